update {{ step.table | table }} as t set
{% for name in step.compare %}
  {{ name | ident }} = {{ name | column("s") }}{% if not loop.last %},{% endif %}

{% endfor %}
from {{ step.stage | table }} as s
where {{ step.match | same("t", "s") }}
  and {{ step.compare | distinct(step.types, "t", "s") }}
