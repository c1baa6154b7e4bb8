update {{ step.table | table }} as t set
{% for name in step.compare %}
  {{ name | ident }} = {{ name | column("s") }}{% if not loop.last %},{% endif %}

{% endfor %}
{% for name, of in step.previous %}
  , {{ name | ident }} = case when {{ [of] | distinct(step.rows.types, "t", "s") }} then {{ of | column("t") }} else {{ name | column("t") }} end
{% endfor %}
{% if step.stamps %}
  {{ step | stamps }}
{% endif %}
from {{ step.rows | rows }} as s
where {{ step.match | equal("t", "s") }}
  and {{ step.compare | distinct(step.rows.types, "t", "s") }}
