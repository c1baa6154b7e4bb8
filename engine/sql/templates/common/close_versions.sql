update {{ step.line.table | table }} as t set
  valid_from = v.valid_from,
  valid_to = v.valid_to,
  is_current = v.is_current
{% if step.line.closes %}
  , deleted_at = v.deleted_at
{% endif %}
{% if step.stamps %}
  {{ step | stamps }}
{% endif %}
from {{ step.line.versions | table }} as v
where {{ step.line.key | column("t") }} = v."$key"
  and (t.valid_from is distinct from v.valid_from or t.valid_to is distinct from v.valid_to)
