insert into {{ step.line.table | table }} (
  {% if step.key %}{{ step.key | ident }}, {% endif %}{{ step.columns | columns }}, valid_from, valid_to, is_current, changed_at, confirmed_at
)
{% if step.key %}
overriding system value
{% endif %}
select {% if step.key %}row_number() over (order by {{ step.line.match | columns("v") }}), {% endif %}{{ step.columns | columns("v") }},
  {% if step.since_ever %}'-infinity'{% else %}{{ step.time | column("v") }}{% endif %}, 'infinity', true,
  {{ step.time | column("v") }}, {{ step.time | column("v") }}
from {{ step.rows | rows }} as v
order by {{ step.line.match | columns("v") }}
