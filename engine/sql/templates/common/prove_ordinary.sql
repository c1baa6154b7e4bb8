select count(*) from {{ step.rows | rows }} as v
where {{ step.match | equals(step.values, step.rows.types, "v") }}
