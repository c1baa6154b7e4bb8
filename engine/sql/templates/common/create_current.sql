create or replace view {{ step.view | table }} as
select {{ step.columns | columns }}
from {{ step.table | table }}
where {{ step.current | ident }}
