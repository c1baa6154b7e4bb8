insert into {{ step.line.table | table }} (
  {{ step.columns | columns }}, valid_from, valid_to, is_current, changed_at, confirmed_at
)
select {{ step.columns | columns("v") }},
  {% if step.since_ever %}'-infinity'{% else %}{{ step.time | column("v") }}{% endif %}, 'infinity', true,
  {{ step.time | column("v") }}, {{ step.time | column("v") }}
from {{ step.rows | rows }} as v
order by {{ step.line.match | columns("v") }}
