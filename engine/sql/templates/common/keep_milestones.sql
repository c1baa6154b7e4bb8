update {{ step.rows.stage | table }} as s set
{% for name in step.milestones %}
  {{ name | ident }} = coalesce({{ name | column("s") }}, {{ name | column("k") }}){% if not loop.last %},{% endif %}

{% endfor %}
from (
  select v."$row", {{ step.milestones | columns("t") }}
  from {{ step.rows | rows(true) }} as v
  join {{ step.table | table }} as t on {{ step.match | equal("t", "v") }}
) as k
where s.ctid = k."$row" and (
{% for name in step.milestones %}
  ({{ name | column("s") }} is null and {{ name | column("k") }} is not null){% if not loop.last %} or{% endif %}

{% endfor %}
)
