select count(*) from {{ step.query | query }} as q where {{ step.column | column("q") }} is null
