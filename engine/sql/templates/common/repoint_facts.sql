update {{ step.fact | table }} as f set {{ step.column | ident }} = {{ step.line.key | column("n") }}{{ step | stamps }}
from {{ step.line.versions | table }} as v
join {{ step.line.table | table }} as n on {{ step.line.match | equal("n", "v") }}
{% if step.calendar %}
cross join {{ step.calendar | table }} as c
{% endif %}
where {{ step.column | column("f") }} = v."$key"
{% if step.calendar %}
  and {{ step.calendar_key | column("c") }} = {{ step.calendar_column | column("f") }}
{% endif %}
  and {{ step.line.key | column("n") }} <> v."$key"
  and n.valid_from <= {{ step.time | column("c" if step.calendar else "f") }}
  and {{ step.time | column("c" if step.calendar else "f") }} < n.valid_to
