alter table {{ step.table | table }} alter column {{ step.column | ident }} drop not null
