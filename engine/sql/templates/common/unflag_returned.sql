update {{ step.table | table }} as t set is_deleted = false, deleted_at = null{{ step | stamps }}
from {{ step.rows | rows }} as s
where {{ step.match | equal("t", "s") }}
  and t.is_deleted
