-- fact_sale: prove found
select count(*)
from (
  select 1, (sold_at)::date as "$day_key.0"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_day" as m on m."date" = v."$day_key.0"
where m."day_key" is null
  and not (v."$day_key.0" is null);

-- fact_sale: reject missing
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.lookups.seller_key'
from (
  select ctid as "$row", ('NL') as "$seller_key.0", (seller_id) as "$seller_key.1"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1"
where s.ctid = v."$row" and m."user_key" is null
  and not (v."$seller_key.0" is null or v."$seller_key.1" is null);

-- fact_sale: upsert
with s as materialized (
  select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total"
  from (
select coalesce(l0."day_key", case when (v."$day_key.0" is null) then -2 end) as "day_key", coalesce(l1."user_key", case when (v."$user_key.0" is null or v."$user_key.1" is null) then -2 else -1 end) as "user_key", coalesce(l2."user_key", case when (v."$seller_key.0" is null or v."$seller_key.1" is null) then -2 end) as "seller_key", v."sale_id", v."total"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
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
), t as (
  insert into "mart"."fact_sale" as t ("day_key", "user_key", "seller_key", "sale_id", "total")
  select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total"
  from s
  on conflict ("sale_id") do update set
    "day_key" = excluded."day_key",
    "user_key" = excluded."user_key",
    "seller_key" = excluded."seller_key",
    "total" = excluded."total"
  where (t."day_key" is distinct from excluded."day_key" or t."user_key" is distinct from excluded."user_key" or t."seller_key" is distinct from excluded."seller_key" or t."total" is distinct from excluded."total")
  returning xmax = 0 as is_new
)
select
  count(*) filter (where not is_new) as updated,
  count(*) filter (where is_new) as inserted,
  (select count(*) from s) as total
from t;

