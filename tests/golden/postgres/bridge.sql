-- fact_sale: check
select
  count(*) filter (where g."$broken") as failed,
  count(*) as total,
  min(row(g."user_key", g."sale_id")::text) filter (where g."$broken") as example
from (
  select t."user_key", t."sale_id",
    bool_or(t."total" is null) or min(t."total") < 0
      or abs(sum(t."total")::numeric - 1) > greatest('0.000000001'::numeric, count(*) * '0.005'::numeric)
      as "$broken"
  from "mart"."fact_sale" as t
  where true
    and t."user_key" > 0
  group by t."user_key", t."sale_id"
) as g;

