update {{ step.table | table }} as t set
{% for name in step.rows.columns %}
  {{ name | ident }} = {{ name | column("s") }},
{% endfor %}
  is_inferred = false
{% if step.stamps %}
  {{ step | stamps }}
{% endif %}
from {{ step.rows | rows }} as s
where {{ step.match | equal("t", "s") }}
  and t.is_inferred
