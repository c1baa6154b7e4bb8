select
  array[
{% for condition in step.conditions %}
    count(*) filter (where {{ condition | broken("t") }}){% if not loop.last %},{% endif %}

{% endfor %}
  ] as failed,
  count(*) as total
from {{ step.table | table }} as t
{% if step.rows %}
join {{ step.rows | rows }} as s on {{ step.match | equal("t", "s") }}
{% endif %}
where {{ step | present("t") }}
