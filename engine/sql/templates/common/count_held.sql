select count(*) as failed, coalesce(extract(epoch from now() - min("$since")), 0)::bigint as total
from {{ step.held | table }}
