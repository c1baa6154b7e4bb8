insert into {{ step.table | table }} ({{ step.match | columns }}, {{ step.compare | columns }})
select {{ step.match | columns("s") }}, {{ step.compare | columns("s") }}
from {{ step.stage | table }} as s
{% if not step.fresh %}
left join (select true as "$there", {{ step.match | columns }} from {{ step.table | table }}) as t on {{ step.match | same("t", "s") }}
where t."$there" is null
{% endif %}
