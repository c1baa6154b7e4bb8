select case when exists (
  select from {{ step.table | table }} as t
  where {{ step.key | column("t") }} = {{ step.number | literal }}
{% for column, value in step.values %}
    and not {{ column | unlike(value, "t") }}
{% endfor %}
) then 0 else 1 end
