-- agg_sale: fill groups
create unlogged table "engine_stage"."shop.agg_sale" as
select
  f."$0" as "month",
  f."$1" as "who",
  (count(*)) as "sales",
  (
sum(total) -- all
)::numeric(12,2) as "paid"
from (
  select f.*, d0."month_start" as "$0", f."user_key" as "$1"
  from "mart"."fact_sale" as f
  left join "mart"."dim_day" as d0 on d0."day_key" = f."day_key"
  where not f."is_deleted"
) as f
group by f."$0", f."$1";

-- dim_user: check
select
  array[
    count(*) filter (where t."name" is null)
  ] as failed,
  count(*) as total
from "mart"."dim_user" as t
where t."user_key" > 0
  and not t."is_deleted";

-- dim_user: check
select coalesce(sum(copies) filter (where copies > 1), 0) as failed, coalesce(sum(copies), 0) as total
from (
  select count(*) as copies
  from "mart"."dim_user" as t
  where t."name" is not null
    and t."user_key" > 0
  and not t."is_deleted"
    and t."is_current"
  group by t."name"
) as groups;

-- dim_user: check
select
  case when count(*) < 1 or count(*) > 9223372036854775807 then 1 else 0 end as failed,
  count(*) as total
from "mart"."dim_user" as t
where t."user_key" > 0
  and not t."is_deleted";

-- fact_sale: check
select
  array[
    count(*) filter (where t."total" is null)
  ] as failed,
  count(*) as total
from "mart"."fact_sale" as t
join (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as s on t."sale_id" = s."sale_id"
where true;

-- fact_sale: check
select coalesce(sum(copies) filter (where copies > 1), 0) as failed, coalesce(sum(copies), 0) as total
from (
  select count(*) as copies
  from "mart"."fact_sale" as t
  where t."total" is not null
    and not t."is_deleted"
  group by t."total"
) as groups;

-- fact_sale: check
select
  case when count(*) < 1 or count(*) > 9223372036854775807 then 1 else 0 end as failed,
  count(*) as total
from "mart"."fact_sale" as t
where not t."is_deleted";

-- fact_sale: check
select
  case when max(t."sold at")::timestamptz >= now() - make_interval(secs => 60)
    then 0 else 1 end as failed,
  count(*) as total,
  max(t."sold at")::text as newest
from "mart"."fact_sale" as t
where not t."is_deleted";

-- fact_sale: check
select
  count(*) filter (where g."$broken") as failed,
  count(*) as total,
  min(row(g."sale_id")::text) filter (where g."$broken") as example
from (
  select t."sale_id",
    bool_or(t."total" is null) or min(t."total") < 0
      or abs(sum(t."total")::numeric - 1) > greatest('0.000000001'::numeric, count(*) * '0.005'::numeric)
      as "$broken"
  from "mart"."fact_sale" as t
  where true
    and not t."is_deleted"
  group by t."sale_id"
) as g;

-- agg_sale: check
select
  array[
    count(*) filter (where (t."sales" < '1'::bigint))
  ] as failed,
  count(*) as total
from "mart"."agg_sale" as t
where true;

