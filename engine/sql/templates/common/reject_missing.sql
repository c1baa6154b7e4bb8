update {{ step.stage | table }} as s set "$reject" = {{ step.rule.path | literal }}
from (
  select ctid as "$row"{% for name, of in step.join | probes %}, {{ of | value }} as {{ name | ident }}{% endfor %}

  from {{ step.stage | table }} where "$reject" is null
) as v
left join {{ step.join.table | table }} as m on {{ step.join | meets("m", "v") }}
where s.ctid = v."$row" and {{ step.join.key | column("m") }} is null
{% if step.join.null is not none %}
  and not {{ step.join | keyless("v") }}
{% endif %}
