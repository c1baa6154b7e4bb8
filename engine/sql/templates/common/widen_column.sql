alter table {{ step.table | table }} alter column {{ step.column.name | ident }} type {{ step.column.type | type }}
