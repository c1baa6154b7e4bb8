with member as (
  select sum("$read") as "$read", count(*) filter (where "$key" is null) as "$new",
    coalesce(bool_or("$corrected") filter (where "$key" is not null), false) as "$corrected"
  from {{ step.line.versions | table }}
  group by {{ step.line.match | columns }}
)
select count(*) from member where "$corrected" and "$read" > "$new"
