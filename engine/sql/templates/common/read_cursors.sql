select
  count(*) filter (where {{ step.column | ident }} is null) as nulls,
  (max({{ step.column | ident }}{{ step.type | bytewise }}){% if step.limit %} filter (
    where {{ step.column | ident }} < {{ step.limit | typed(step.type) }}
  ){% endif %})::text as highest,
  {% if step.keys %}count(*) filter (where {{ step.keys | any_null("s") }}){% else %}null::bigint{% endif %} as keyless
from {{ step.stage | table }} as s
