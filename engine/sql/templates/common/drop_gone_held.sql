delete from {{ step.held.stage | table }} as h
using {{ step.held | rows(true) }} as w
left join {{ step.rows | rows }} as v on {{ step.match | equal("w", "v") }}
where h.ctid = w."$row" and {{ step.match[0] | column("v") }} is null
