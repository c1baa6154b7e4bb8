update {{ step.find.table | table }} as t set is_deleted = true, deleted_at = now(){{ step | stamps }}
from {{ step.find.gone | table }} as g
where {{ step.find.match | equal("t", "g") }}
  and not t.is_deleted
{% for name in step.find.alive %}
  and {{ name | column("t") }}
{% endfor %}
