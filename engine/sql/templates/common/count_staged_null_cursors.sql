select count(*) from {{ step.stage | table }} where {{ step.column | ident }} is null
