update {{ step.table | table }} as t set {{ step.durable | ident }} = m."$durable"
from (
  select {{ step.match | columns("a") }}, coalesce(min({{ step.durable | column("a") }}), min({{ step.key | column("a") }})) as "$durable"
  from {{ step.table | table }} as a
  join (
    select distinct {{ step.match | columns }} from {{ step.table | table }}
    where {{ step.durable | ident }} is null and {{ step.key | ident }} > 0
  ) as n on {{ step.match | equal("a", "n") }}
  where {{ step.key | column("a") }} > 0
  group by {{ step.match | columns("a") }}
) as m
where {{ step.match | equal("t", "m") }} and {{ step.durable | column("t") }} is null and {{ step.key | column("t") }} > 0
