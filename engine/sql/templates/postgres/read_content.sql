select count(*) || ':' || coalesce(sum(hash_record_extended(t, 0)), 0) as content
from {{ step.table | table }} as t
