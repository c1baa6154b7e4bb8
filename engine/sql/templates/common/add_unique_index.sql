create unique index if not exists {{ step.name | ident }} on {{ step.table | table }} ({{ step.columns | columns }})
