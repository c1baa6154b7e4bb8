create unlogged table {{ step.gone | table }} as
select {{ step.match | columns("t") }}
{% if step.lasting %}
  , bool_or({{ step.lasting | column("t") }}) as "$known"
  , bool_or({% for fact, column in step.referenced_by %}
exists (select from {{ fact | table }} as f where {{ column | column("f") }} = {{ step.key | column("t") }}) or {% endfor %}
false) as "$kept"
{% endif %}
from {{ step.table | table }} as t
left join {{ step.rows | rows }} as s on {{ step.match | equal("t", "s") }}
where {{ step.match[0] | column("s") }} is null
{% if step.key %}
  and {{ step.key | column("t") }} > 0
{% endif %}
{% for name in step.alive %}
  and {{ name | column("t") }}
{% endfor %}
{% for name in step.dead %}
  and not {{ name | column("t") }}
{% endfor %}
{% if step.within %}
  and {{ step.within | within("t") }}
{% endif %}
{% if step.lasting %}
group by {{ step.match | columns("t") }}
{% endif %}
