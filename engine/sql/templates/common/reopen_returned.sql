update {{ step.table | table }} as t set valid_to = 'infinity', is_current = true, deleted_at = null{{ step | stamps }}
from (
  select distinct d.{{ step.key | ident }} as "$key"
  from {{ step.table | table }} as d
  join {{ step.rows | rows }} as s on {{ step.match | equal("d", "s") }}
  left join {{ step.table | table }} as n on {{ step.match | equal("n", "d") }} and n.valid_from > d.valid_from
  where d.deleted_at is not null and n.{{ step.key | ident }} is null
) as r
where {{ step.key | column("t") }} = r."$key"
