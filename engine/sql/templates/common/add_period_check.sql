alter table {{ step.table | table }} add constraint {{ step.name | ident }} check ({{ step.low | ident }} < {{ step.high | ident }})
