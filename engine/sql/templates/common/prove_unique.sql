select count(*) as failed, min(twice::text) as example from (
  select {{ step.match | columns("v") }} from {{ step.rows | rows }} as v group by {{ step.match | columns("v") }} having count(*) > 1
) as twice
