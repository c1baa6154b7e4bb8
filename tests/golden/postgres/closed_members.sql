-- fact_sale: prove found
select count(*)
from (
  select 1, (sold_at)::date as "$day_key.0"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_day" as m on m."date" = v."$day_key.0"
where m."day_key" is null;

-- fact_sale: reject missing
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.lookups.seller_key'
from (
  select ctid as "$row", ('NL') as "$seller_key.0", (seller_id) as "$seller_key.1"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1" and (m."is_current" or m."deleted_at" is not null and not exists (select from "mart"."dim_user" as n where n."country" = m."country" and n."user_id" = m."user_id" and n."valid_from" > m."valid_from"))
where s.ctid = v."$row" and m."user_durable_key" is null;

-- fact_sale: hold missing
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.lookups.user_key'
from (
  select ctid as "$row", (country) as "$user_key.0", (user_id) as "$user_key.1"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$user_key.0" and m."user_id" = v."$user_key.1" and (m."is_current" or m."deleted_at" is not null and not exists (select from "mart"."dim_user" as n where n."country" = m."country" and n."user_id" = m."user_id" and n."valid_from" > m."valid_from"))
where s.ctid = v."$row" and m."user_key" is null
  and v."$user_key.0" is not null
  and v."$user_key.1" is not null;

-- fact_sale: upsert
with s as materialized (
  select s."day_key", s."user_key", s."seller_key", s."then_key", s."sale_id", s."total", s."seen at"
  from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_durable_key" as "seller_key", coalesce(l3."user_key", -1) as "then_key", v."sale_id", v."total", v."seen at"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
    (sold_at + '1 h')::text as "seen at",
    (sold_at)::date as "$day_key.0",
    (country) as "$user_key.0",
    (user_id) as "$user_key.1",
    ('NL') as "$seller_key.0",
    (seller_id) as "$seller_key.1",
    (country) as "$then_key.0",
    (user_id) as "$then_key.1",
    (sold_at) as "$then_key.2"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_day" as l0 on l0."date" = v."$day_key.0"
left join "mart"."dim_user" as l1 on l1."country" = v."$user_key.0" and l1."user_id" = v."$user_key.1" and (l1."is_current" or l1."deleted_at" is not null and not exists (select from "mart"."dim_user" as n where n."country" = l1."country" and n."user_id" = l1."user_id" and n."valid_from" > l1."valid_from"))
left join "mart"."dim_user" as l2 on l2."country" = v."$seller_key.0" and l2."user_id" = v."$seller_key.1" and (l2."is_current" or l2."deleted_at" is not null and not exists (select from "mart"."dim_user" as n where n."country" = l2."country" and n."user_id" = l2."user_id" and n."valid_from" > l2."valid_from"))
left join "mart"."dim_user" as l3 on l3."country" = v."$then_key.0" and l3."user_id" = v."$then_key.1" and l3."valid_from" <= v."$then_key.2" and v."$then_key.2" < l3."valid_to"
) as s
), t as (
  insert into "mart"."fact_sale" as t ("day_key", "user_key", "seller_key", "then_key", "sale_id", "total", "seen at")
  select s."day_key", s."user_key", s."seller_key", s."then_key", s."sale_id", s."total", s."seen at"
  from s
  on conflict ("sale_id") do update set
    "day_key" = excluded."day_key",
    "user_key" = excluded."user_key",
    "seller_key" = excluded."seller_key",
    "then_key" = excluded."then_key",
    "total" = excluded."total",
    "seen at" = excluded."seen at"
  where (t."day_key" is distinct from excluded."day_key" or t."user_key" is distinct from excluded."user_key" or t."seller_key" is distinct from excluded."seller_key" or t."then_key" is distinct from excluded."then_key" or t."total" is distinct from excluded."total" or t."seen at" is distinct from excluded."seen at")
  returning xmax = 0 as is_new
)
select
  count(*) filter (where not is_new) as updated,
  count(*) filter (where is_new) as inserted,
  (select count(*) from s) as total
from t;

