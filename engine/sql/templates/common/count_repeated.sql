{% if step.fresh %}
select coalesce(sum("$read"), 0)::bigint - count(*) from {{ step.line.versions | table }}
{% else %}
with member as (
  select sum(v."$read") as "$read", count(*) filter (where v."$key" is null) as "$new",
    coalesce(bool_or({{ step.compare | distinct(step.types, "t", "v") }}) filter (where v."$key" is not null), false) as "$corrected"
  from {{ step.line.versions | table }} as v
  left join {{ step.line.table | table }} as t on {{ step.line.key | column("t") }} = v."$key"
  group by {{ step.line.match | columns("v") }}
)
select coalesce(sum("$read" - "$new" - case when "$corrected" and "$read" > "$new" then 1 else 0 end), 0)::bigint from member
{% endif %}
