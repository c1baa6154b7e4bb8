insert into {{ step.table | table }} as t (
  {{ step.key | ident }}{% for column, value in step.values %}, {{ column.name | ident }}{% endfor %}

)
{% if step.identity %}overriding system value {% endif %}values (
  {{ step.number | literal }}{% for column, value in step.values %}, {{ value | typed(column.type) }}{% endfor %}

)
on conflict ({{ step.key | ident }}) do
{%- if step.values %}
 update set
{% for column, value in step.values %}
  {{ column.name | ident }} = excluded.{{ column.name | ident }}{% if not loop.last %},{% endif %}

{% endfor %}
{% if step.stamps %}
  {{ step | stamps }}
{% endif %}
where {{ step.names | distinct(step.types, "t", "excluded") }}
{% else %}
 nothing
{% endif %}
