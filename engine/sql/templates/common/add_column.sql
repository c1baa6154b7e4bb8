alter table {{ step.table | table }} add column if not exists {{ step.column | definition }}
