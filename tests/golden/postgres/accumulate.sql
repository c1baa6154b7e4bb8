-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "lag" text;

-- fact_sale: keep milestones
update "engine_stage"."shop.fact_sale" as s set
  "sold_at" = coalesce(s."sold_at", k."sold_at"),
  "paid ""at""" = coalesce(s."paid ""at""", k."paid ""at""")
from (
  select v."$row", t."sold_at", t."paid ""at"""
  from (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
  join "mart"."fact_sale" as t on t."sale_id" = v."sale_id"
) as k
where s.ctid = k."$row" and (
  (s."sold_at" is null and k."sold_at" is not null) or
  (s."paid ""at""" is null and k."paid ""at""" is not null)
);

-- fact_sale: upsert
with s as materialized (
  select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total", s."sold_at", s."paid ""at""", s."lag"
  from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_key" as "seller_key", v."sale_id", v."total", v."sold_at", v."paid ""at""", v."lag"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
    "sold_at"::text as "sold_at",
    "paid ""at""" as "paid ""at""",
    (case when isfinite("sold_at"::timestamp) and isfinite("paid ""at"""::timestamp) then extract(epoch from "paid ""at"""::timestamp - "sold_at"::timestamp) / 3600 end)::text as "lag",
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
  insert into "mart"."fact_sale" as t ("day_key", "user_key", "seller_key", "sale_id", "total", "sold_at", "paid ""at""", "lag")
  select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total", s."sold_at", s."paid ""at""", s."lag"
  from s
  on conflict ("sale_id") do update set
    "day_key" = excluded."day_key",
    "user_key" = excluded."user_key",
    "seller_key" = excluded."seller_key",
    "total" = excluded."total",
    "sold_at" = excluded."sold_at",
    "paid ""at""" = excluded."paid ""at""",
    "lag" = excluded."lag"
  where (t."day_key" is distinct from excluded."day_key" or t."user_key" is distinct from excluded."user_key" or t."seller_key" is distinct from excluded."seller_key" or t."total" is distinct from excluded."total" or t."sold_at" is distinct from excluded."sold_at" or t."paid ""at""" is distinct from excluded."paid ""at""" or t."lag" is distinct from excluded."lag")
  returning xmax = 0 as is_new
)
select
  count(*) filter (where not is_new) as updated,
  count(*) filter (where is_new) as inserted,
  (select count(*) from s) as total
from t;

