select
  array[{% for name, of in step.join | looked_for %}{{ name | column("v") }}::text{% if not loop.last %}, {% endif %}{% endfor %}] as key,
{% if step.join.as_of %}
  {{ (step.join | looked_at)[0][0] | column("v") }}::text as time,
  exists (select from {{ step.join.table | table }} as k where {{ step.member | meets("k", "v") }}) as known
{% else %}
  null as time, false as known
{% endif %}
from (
  select 1{% for name, of in step.join | probes %}, {{ of | value }} as {{ name | ident }}{% endfor %}

  from {{ step.stage | table }} where "$reject" is null
) as v
left join {{ step.join.table | table }} as m on {{ step.join | meets("m", "v") }}
where {{ step.join.key | column("m") }} is null
{% if step.join.null is not none %}
  and not {{ step.join | keyless("v") }}
{% endif %}
order by 1, 2 limit 1
