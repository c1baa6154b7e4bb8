{% if step.fresh %}
select coalesce(sum("$read"), 0)::bigint - count(*) from {{ step.line.versions | table }}
{% else %}
with member as (
  select sum("$read") as "$read", count(*) filter (where "$key" is null) as "$new",
    coalesce(bool_or("$corrected") filter (where "$key" is not null), false) as "$corrected"
  from {{ step.line.versions | table }}
  group by {{ step.line.match | columns }}
)
select coalesce(sum("$read" - "$new" - case when "$corrected" and "$read" > "$new" then 1 else 0 end), 0)::bigint from member
{% endif %}
