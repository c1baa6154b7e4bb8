update {{ step.find.table | table }} as t set is_deleted = true, deleted_at = now(){{ step | stamps }}
from {{ step.find.gone | table }} as g
where {{ step.find.match | equal("t", "g") }}
  and g."$kept" and not t.is_deleted
