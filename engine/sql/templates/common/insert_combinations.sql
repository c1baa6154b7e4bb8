insert into {{ step.table | table }} ({{ step.columns | columns }})
select {{ step.columns | columns("s") }}
from {{ step.stage | table }} as s
{% if not step.fresh %}
left join {{ step.table | table }} as t on {{ step.columns | same("t", "s") }} and {{ step.key | column("t") }} > 0
where {{ step.key | column("t") }} is null
{% endif %}
order by {{ step.columns | columns("s") }}
