comment on column {{ step.table | table }}.{{ step.column | ident }} is {{ step.description | literal }}
