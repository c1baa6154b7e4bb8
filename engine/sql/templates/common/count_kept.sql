select count(*)
from {{ step.rows | rows }} as s
join {{ step.table | table }} as t on {{ step.match | equal("t", "s") }}
where {{ step.compare | distinct(step.rows.types, "t", "s") }}
