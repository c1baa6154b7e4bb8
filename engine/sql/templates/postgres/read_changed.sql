select array[{{ step.natural_key | texts("t") }}] as natural_key,
  (select row_to_json(r) from (select {{ step.columns | columns("t") }}) as r)::text as member
from {{ step.table | table }} as t
where t.xmin = {{ step.transaction | typed("xid") }} and {{ step.natural_key | no_null("t") }}
{%- if step.current %} and {{ step.current | column("t") }}{% endif %}
