select
  case when count(*) < {{ step.low | literal }} or count(*) > {{ step.high | literal }} then 1 else 0 end as failed,
  count(*) as total
from {{ step.table | table }} as t
where {{ step | present("t") }}
