select
  count(*) filter (where g."$broken") as failed,
  count(*) as total,
  min(row({{ step.group | columns("g") }})::text) filter (where g."$broken") as example
from (
  select {{ step.group | columns("t") }},
    bool_or({{ step.weight | column("t") }} is null) or min({{ step.weight | column("t") }}) < 0
      or abs(sum({{ step.weight | column("t") }})::numeric - 1) > greatest({{ step.tolerance | typed("numeric") }}, count(*) * {{ step.rounding | typed("numeric") }})
      as "$broken"
  from {{ step.table | table }} as t
  where true
{% for name, above in step.members %}
    and {{ name | column("t") }} > {{ above | literal }}
{% endfor %}
{% if step.deleted %}
    and not {{ step.deleted | column("t") }}
{% endif %}
  group by {{ step.group | columns("t") }}
) as g
