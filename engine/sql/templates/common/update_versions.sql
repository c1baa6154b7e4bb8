update {{ step.line.table | table }} as t set
{% for name in step.compare %}
  {{ name | ident }} = {{ name | column("v") }}{% if not loop.last %},{% endif %}

{% endfor %}
{% if step.line.infers %}
  , is_inferred = false
{% if "confirmed_at" not in step.compare %}
  , confirmed_at = case when t.is_inferred then v.confirmed_at else t.confirmed_at end
{% endif %}
{% endif %}
{% if step.stamps %}
  {{ step | stamps }}
{% endif %}
from {{ step.line.versions | table }} as v
where {{ step.line.key | column("t") }} = v."$key"
  and {{ step.compare | distinct(step.types, "t", "v") }}
