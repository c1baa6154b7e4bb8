update {{ step.find.table | table }} as t set valid_to = g."$at", is_current = false, deleted_at = g."$at"{{ step | stamps }}
from (
  select v.{{ step.find.key | ident }} as "$key", greatest(
    {% if step.moment %}{{ step.moment | typed(step.time) }}{% else %}now(){% endif %},
    (v.confirmed_at + {{ step.tick | typed("interval") }})::{{ step.time | type }}
  ) as "$at"
  from {{ step.find.table | table }} as v
  join {{ step.find.gone | table }} as g on {{ step.find.match | equal("v", "g") }}
  where v.is_current
) as g
where {{ step.find.key | column("t") }} = g."$key"
