select
  count(*) filter (where g.missing or g.lowest < 0
    or abs(g.total - 1) > greatest({{ step.tolerance | typed("numeric") }}, g.members * {{ step.rounding | typed("numeric") }})) as failed,
  count(*) as total
from (
  select sum({{ step.weight | column("t") }})::numeric as total, min({{ step.weight | column("t") }}) as lowest,
    bool_or({{ step.weight | column("t") }} is null) as missing, count(*) as members
  from {{ step.table | table }} as t
{% for name, above in step.members %}
  {% if loop.first %}where{% else %}and{% endif %} {{ name | column("t") }} > {{ above | literal }}
{% endfor %}
  group by {{ step.group | columns("t") }}
) as g
