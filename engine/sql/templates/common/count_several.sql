{% if step.number %}
select count(*) - count(distinct {{ step.number | column("v") }}) from {{ step.rows | rows }} as v
{% else %}
select coalesce(sum(beside), 0)::bigint from (
  select count(*) - 1 as beside from {{ step.rows | rows }} as v group by {{ step.match | columns("v") }} having count(*) > 1
) as several
{% endif %}
