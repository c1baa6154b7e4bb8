select
  case when max({{ step.column | ident }})::timestamptz >= now() - make_interval(secs => {{ step.check.max_age | literal }})
    then 0 else 1 end as failed,
  count(*) as total
from {{ step.table | table }}
