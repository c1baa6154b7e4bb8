select count(*)
from {{ step.stage | table }} as s
join {{ step.table | table }} as t on {{ step.columns | same("t", "s") }}
where {{ step.key | column("t") }} > 0
