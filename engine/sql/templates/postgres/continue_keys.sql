select count(setval(pg_get_serial_sequence({{ step.table | table | literal }}, {{ step.key | literal }}), k.last))
from (select max({{ step.key | ident }}) as last from {{ step.table | table }}) as k
where k.last > 0
