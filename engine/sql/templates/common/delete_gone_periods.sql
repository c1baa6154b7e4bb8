delete from {{ step.table | table }} as t
where {{ step.periods.column | column("t") }} between {{ step.periods.first | typed("date") }} and {{ step.periods.last | typed("date") }}
  and not exists (select from {{ step.rows | rows }} as s where {{ step.match | equal("t", "s") }})
