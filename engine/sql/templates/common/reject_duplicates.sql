update {{ step.rows.stage | table }} as s set "$reject" = {{ step.rule.path | literal }}
from (
  select v."$row", row_number() over (partition by {{ step.match | columns("v") }} order by v."$place") as nth
  from (
    select k.*, o."$place"
    from {{ step.rows | rows(true) }} as k
    join (
      select ctid as "$row", row_number() over (order by {{ step.order | order }}, ctid) as "$place"
      from {{ step.rows.stage | table }}
    ) as o on o."$row" = k."$row"
  ) as v
) as d
where s.ctid = d."$row" and d.nth > 1
