select
  count(*) as failed,
  {% if step.check.tolerance.percent is none %}0{% else %}(select count(*) from {{ step.table | table }}){% endif %} as total
from {{ step.check.sql | this(step.table) }} as q
