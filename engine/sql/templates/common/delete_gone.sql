delete from {{ step.table | table }} as t
where not exists (select from {{ step.rows | rows }} as s where {{ step.match | equal("t", "s") }})
{% if step.within %}
  and {{ step.within | within("t") }}
{% endif %}
{% if step.key %}
  and {{ step.key | column("t") }} > {{ step.above | literal }}
{% endif %}
{% if step.known %}
  and not t.is_inferred
{% endif %}
{% for fact, column in step.referenced_by %}
  and not exists (select from {{ fact | table }} as f where {{ column | column("f") }} = {{ step.key | column("t") }})
{% endfor %}
