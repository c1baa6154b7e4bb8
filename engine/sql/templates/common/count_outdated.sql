select count(*)
from {{ step.table | table }} as t
where {{ step | unread("t") }}
