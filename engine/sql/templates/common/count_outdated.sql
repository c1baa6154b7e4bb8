select count(*)
from {{ step.table | table }} as t
where not exists (select from {{ step.rows | rows }} as s where {{ step.match | equal("t", "s") }})
{% if step.key %}
  and {{ step.key | column("t") }} > {{ step.above | literal }}
{% endif %}
{% if step.known %}
  and not t.is_inferred
{% endif %}
