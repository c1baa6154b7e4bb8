-- : count several
select count(*) - count(distinct v."id") from (
  select
    "id" as "id"
  from "stage"."user"
  where "$reject" is null
) as v;

-- : count several
select coalesce(sum(beside), 0)::bigint from (
  select count(*) - 1 as beside from (
  select
    "id" as "id"
  from "stage"."user"
  where "$reject" is null
) as v group by v."id" having count(*) > 1
) as several;

