update {{ step.rows.stage | table }} as s set "$reject" = {{ step.rule.path | literal }}
from {{ step.rows | rows(true) }} as v
where s.ctid = v."$row" and {{ step.by | column("v") }} < {{ step.until | literal }}
