delete from {{ step.table | table }} as t
where not exists (select from {{ step.stage | table }} as s where {{ step.match | same("t", "s") }})
