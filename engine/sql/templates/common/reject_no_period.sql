update {{ step.rows.stage | table }} as s set "$reject" = {{ step.rule.path | literal }}
from {{ step.rows | rows(true) }} as v
where s.ctid = v."$row"
  and ({{ step.by | column("v") }} is null or {{ step.by | column("v") }} < {{ step.low | literal }} or {{ step.by | column("v") }} >= {{ step.high | literal }})
