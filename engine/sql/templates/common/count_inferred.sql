select count(*) as failed, coalesce(extract(epoch from now() - min(inferred_at)), 0)::bigint as total
from {{ step.table | table }} where is_inferred
