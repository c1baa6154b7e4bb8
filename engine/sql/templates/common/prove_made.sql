select count(*) as failed, min({{ step.period | ident }})::text as example
from {{ step.filled | table }}
where {{ step.lookup | ident }} is null
