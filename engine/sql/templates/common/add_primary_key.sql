alter table {{ step.table | table }} add primary key ({{ step.columns | columns }})
