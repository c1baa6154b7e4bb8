insert into {{ step.table | table }} ({% if step.key %}{{ step.key | ident }}, {% endif %}{{ step.rows.columns | columns }})
{% if step.key %}
overriding system value
{% endif %}
select {% if step.key %}row_number() over (order by {{ step.order | columns("s") }}), {% endif %}{{ step.rows.columns | columns("s") }}
from {{ step.rows | rows }} as s
{% if step.match %}
left join {{ step.table | table }} as t on {{ step.match | equal("t", "s") }}
where {{ step.match[0] | column("t") }} is null
{% endif %}
{% if step.order %}
order by {{ step.order | columns("s") }}
{% endif %}
