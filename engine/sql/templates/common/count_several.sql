select count(*) from (
  select from {{ step.rows | rows }} as v group by {{ step.match | columns("v") }} having count(*) > 1
) as several
