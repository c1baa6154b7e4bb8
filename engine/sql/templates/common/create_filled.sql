create table {{ step.table | table }} as
select {{ step.rows.columns | columns("s") }}
from {{ step.rows | rows }} as s
