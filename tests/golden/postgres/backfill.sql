-- fact_sale: copy
copy (
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity", q."sold at"
from (
SELECT * FROM sales
) as q
where q."sold at" >= '2026-01-01'::date and q."sold at" < '2026-02-01'::date
) to stdout (format binary);

-- fact_sale: count source
select count(*) from (
SELECT * FROM sales
) as q
where q."sold at" >= '2026-01-01'::date and q."sold at" < '2026-02-01'::date;

-- fact_sale: update changed
update "mart"."fact_sale" as t set
  "day_key" = s."day_key",
  "user_key" = s."user_key",
  "seller_key" = s."seller_key",
  "total" = s."total",
  "sold at" = s."sold at"
from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_key" as "seller_key", v."sale_id", v."total", v."sold at"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
    "sold at" as "sold at",
    (sold_at)::date as "$day_key.0",
    (country) as "$user_key.0",
    (user_id) as "$user_key.1",
    ('NL') as "$seller_key.0",
    (seller_id) as "$seller_key.1"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_day" as l0 on l0."date" = v."$day_key.0"
left join "mart"."dim_user" as l1 on l1."country" = v."$user_key.0" and l1."user_id" = v."$user_key.1"
left join "mart"."dim_user" as l2 on l2."country" = v."$seller_key.0" and l2."user_id" = v."$seller_key.1"
) as s
where t."sale_id" = s."sale_id"
  and (t."day_key" is distinct from s."day_key" or t."user_key" is distinct from s."user_key" or t."seller_key" is distinct from s."seller_key" or t."total" is distinct from s."total" or t."sold at" is distinct from s."sold at");

-- fact_sale: insert new
insert into "mart"."fact_sale" ("day_key", "user_key", "seller_key", "sale_id", "total", "sold at")
select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total", s."sold at"
from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_key" as "seller_key", v."sale_id", v."total", v."sold at"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
    "sold at" as "sold at",
    (sold_at)::date as "$day_key.0",
    (country) as "$user_key.0",
    (user_id) as "$user_key.1",
    ('NL') as "$seller_key.0",
    (seller_id) as "$seller_key.1"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_day" as l0 on l0."date" = v."$day_key.0"
left join "mart"."dim_user" as l1 on l1."country" = v."$user_key.0" and l1."user_id" = v."$user_key.1"
left join "mart"."dim_user" as l2 on l2."country" = v."$seller_key.0" and l2."user_id" = v."$seller_key.1"
) as s
left join "mart"."fact_sale" as t on t."sale_id" = s."sale_id"
where t."sale_id" is null;

-- fact_sale: prove range
select case
  when not exists (select from "engine_stage"."shop.fact_sale" where "$reject" is null)
    and exists (select from "mart"."fact_sale" as t where t."sold at" >= '2026-01-01' and t."sold at" < '2026-02-01')
  then 1 else 0
end;

-- fact_sale: delete gone
delete from "mart"."fact_sale" as t
where not exists (select from (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as s where t."sale_id" = s."sale_id")
  and t."sold at" >= '2026-01-01' and t."sold at" < '2026-02-01';

