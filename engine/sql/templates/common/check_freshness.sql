select
  case when max({{ step.column | column("t") }})::timestamptz >= now() - make_interval(secs => {{ step.check.max_age | literal }})
    then 0 else 1 end as failed,
  count(*) as total,
  max({{ step.column | column("t") }})::text as newest
from {{ step.table | table }} as t
where {{ step | present("t") }}
