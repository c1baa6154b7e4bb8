select count(*)
from {{ step.rows | rows }} as s
join {{ step.table | table }} as t on {{ step.match | equal("t", "s") }}
{% if step.compare %}
where not {{ step.compare | distinct(step.rows.types, "t", "s") }}
{% endif %}
{% if step.known %}
{% if step.compare %}  and{% else %}where{% endif %} not t.is_inferred
{% endif %}
