{% set time = step.type.startswith("timestamp") %}
{% set number = step.type.endswith("int") or step.type == "integer" %}
select array[
{% for n in range(1, step.parts) %}
{% if time %}
  (low + (high - low) * ({{ n | literal }}::double precision / {{ step.parts | literal }}))
{%- elif number %}
  (low::numeric + (high::numeric - low::numeric) * {{ n | literal }} / {{ step.parts | literal }})::{{ step.type | type }}
{%- else %}
  (low + (high - low) * {{ n | literal }} / {{ step.parts | literal }})
{%- endif %}
::text{% if not loop.last %},{% endif %}

{% endfor %}
] as borders
from (
  select min(q.{{ step.column | ident }}) as low, max(q.{{ step.column | ident }}) as high
  from {{ step.query | query }} as q
{% if not number %}
  where isfinite(q.{{ step.column | ident }})
{% endif %}
) as ends
where low < high
