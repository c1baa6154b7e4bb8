delete from {{ step.table | table }} as t
where {{ step | unread("t") }}
{% if step.within %}
  and {{ step.within | within("t") }}
{% endif %}
{% for fact, column in step.referenced_by %}
  and not exists (select from {{ fact | table }} as f where {{ column | column("f") }} = {{ step.key | column("t") }})
{% endfor %}
