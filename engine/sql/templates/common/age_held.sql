update {{ step.rows.stage | table }} as s set "$since" = h."$since"
from {{ step.rows | rows(true) }} as v
join {{ step.held | rows(true) }} as w on {{ step.match | equal("w", "v") }}
join {{ step.held.stage | table }} as h on h.ctid = w."$row"
where s.ctid = v."$row"
