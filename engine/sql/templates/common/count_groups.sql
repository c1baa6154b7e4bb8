select count(*)
from {{ step.stage | table }} as s
join {{ step.table | table }} as t on {{ step.match | same("t", "s") }}
where not {{ step.compare | distinct(step.types, "t", "s") }}
