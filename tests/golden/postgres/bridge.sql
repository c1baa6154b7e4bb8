-- fact_sale: check
select
  count(*) filter (where g.missing or g.lowest < 0
    or abs(g.total - 1) > greatest('0.000000001'::numeric, g.members * '0.005'::numeric)) as failed,
  count(*) as total
from (
  select sum(t."total")::numeric as total, min(t."total") as lowest,
    bool_or(t."total" is null) as missing, count(*) as members
  from "mart"."fact_sale" as t
where t."user_key" > 0
  group by t."user_key", t."sale_id"
) as g;

