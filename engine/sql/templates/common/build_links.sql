create unlogged table {{ step.tree.links | table }} as
select {{ step.tree.key | column("m") }} as member, {{ step.tree.key | column("p") }} as parent,
  {{ step.tree.above | no_null("m") }} and {{ step.tree.key | column("p") }} is null
    and not ({{ step.tree.parents | parent_of("m", "m") }}) as orphan
from {{ step.tree.members | table }} as m
left join {{ step.tree.members | table }} as p on {{ step.tree.parents | parent_of("p", "m") }}
  and {{ step.tree.key | column("p") }} <> {{ step.tree.key | column("m") }}
{% if step.tree.current %}
  and {{ step.tree.current | column("p") }}
where {{ step.tree.current | column("m") }}
{% endif %}
