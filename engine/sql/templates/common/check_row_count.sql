select
  case when count(*) < {{ step.low | literal }} or count(*) > {{ step.high | literal }} then 1 else 0 end as failed,
  count(*) as total
from {{ step.table | table }} as t
{% if step.key %}
where {{ step.key | column("t") }} > {{ step.above | literal }}
{% endif %}
{% if step.deleted %}
{% if step.key %}  and{% else %}where{% endif %} not {{ step.deleted | column("t") }}
{% endif %}
