insert into {{ step.table | table }} ({{ step.match | columns }}{% for column, value in step.values %}, {{ column.name | ident }}{% endfor %}, is_inferred, inferred_at)
select {{ step.match | columns("v") }}{% for column, value in step.values %}, {{ value | typed(column.type) }}{% endfor %}, true, now()
from (
  select distinct {% for name, of in step.join | looked_for %}{{ name | column("r") }}::{{ of.type | type }} as {{ of.name | ident }}{% if not loop.last %}, {% endif %}{% endfor %}

  from (
    select {% for name, of in step.join | probes %}{{ of | value }} as {{ name | ident }}{% if not loop.last %}, {% endif %}{% endfor %}

    from {{ step.stage | table }} where "$reject" is null
  ) as r
  where {% for name, of in step.join | looked_for %}{{ name | column("r") }}::{{ of.type | type }} = {{ name | column("r") }}{% if not loop.last %} and {% endif %}{% endfor %}

{% for name, of in step.join | looked_at %}
    and {{ name | column("r") }} < 'infinity'
{% endfor %}
) as v
left join {{ step.table | table }} as m on {{ step.match | equal("m", "v") }}
where {{ step.key | column("m") }} is null
order by {{ step.match | columns("v") }}
