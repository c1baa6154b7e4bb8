-- fact_sale: create stage
create unlogged table "engine_stage"."shop.fact_sale" (
  "sale_id" bigint,
  "sold_at" timestamp without time zone,
  "country" text,
  "user_id" integer,
  "seller_id" integer,
  "price" numeric,
  "quantity" integer,
  "$held" bigint,
  "$since" timestamp with time zone,
  "$reject" text
);

-- fact_sale: create stage
create unlogged table "engine_stage"."shop.fact_sale.keys" (
  "sale_id" bigint,
  "$reject" text
);

-- fact_sale: create table
create table if not exists "engine"."held.shop.fact_sale" (
  "sale_id" bigint,
  "sold_at" timestamp without time zone,
  "country" text,
  "user_id" integer,
  "seller_id" integer,
  "price" numeric,
  "quantity" integer,
  "$held" bigint generated always as identity,
  "$since" timestamp with time zone not null,
  "$rule" text not null
);

-- fact_sale: hold missing
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.lookups.user_key'
from (
  select ctid as "$row", (country) as "$user_key.0", (user_id) as "$user_key.1"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$user_key.0" and m."user_id" = v."$user_key.1"
where s.ctid = v."$row" and m."user_key" is null
  and v."$user_key.0" is not null
  and v."$user_key.1" is not null;

-- fact_sale: hold missing
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.lookups.seller_key'
from (
  select ctid as "$row", ('NL') as "$seller_key.0", (seller_id) as "$seller_key.1"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1"
where s.ctid = v."$row" and m."user_key" is null
  and v."$seller_key.0" is not null
  and v."$seller_key.1" is not null;

-- fact_sale: keep held
insert into "engine"."held.shop.fact_sale" ("sale_id", "sold_at", "country", "user_id", "seller_id", "price", "quantity", "$since", "$rule")
select s."sale_id", s."sold_at", s."country", s."user_id", s."seller_id", s."price", s."quantity", coalesce(s."$since", now()), s."$reject"
from "engine_stage"."shop.fact_sale" as s
where s."$held" is null
  and s."$reject" in ('facts.fact_sale.lookups.user_key', 'facts.fact_sale.lookups.seller_key');

-- fact_sale: count held
select count(*) as failed, coalesce(extract(epoch from now() - min("$since")), 0)::bigint as total
from "engine"."held.shop.fact_sale";

-- fact_sale: upsert
with s as materialized (
  select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total"
  from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", coalesce(l2."user_key", -1) as "seller_key", v."sale_id", v."total"
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

-- fact_sale: create stage
create unlogged table "engine_stage"."shop.fact_sale" (
  "sale_id" bigint,
  "sold_at" timestamp without time zone,
  "country" text,
  "user_id" integer,
  "seller_id" integer,
  "price" numeric,
  "quantity" integer,
  "$held" bigint,
  "$since" timestamp with time zone,
  "$reject" text
);

-- fact_sale: create stage
create unlogged table "engine_stage"."shop.fact_sale.keys" (
  "sale_id" bigint,
  "$reject" text
);

-- fact_sale: widen column
alter table "engine"."held.shop.fact_sale" alter column "sale_id" type bigint;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "sold_at" timestamp without time zone;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "country" text;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "user_id" integer;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "seller_id" integer;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "price" numeric;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "quantity" integer;

-- fact_sale: age held
update "engine_stage"."shop.fact_sale" as s set "$since" = h."$since"
from (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
join (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine"."held.shop.fact_sale"
) as w on w."sale_id" = v."sale_id"
join "engine"."held.shop.fact_sale" as h on h.ctid = w."$row"
where s.ctid = v."$row";

-- fact_sale: drop replaced
delete from "engine"."held.shop.fact_sale" as h
using (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine"."held.shop.fact_sale"
) as w
join (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v on w."sale_id" = v."sale_id"
where h.ctid = w."$row";

-- fact_sale: drop gone held
delete from "engine"."held.shop.fact_sale" as h
using (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine"."held.shop.fact_sale"
) as w
left join (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale.keys"
) as v on w."sale_id" = v."sale_id"
where h.ctid = w."$row" and v."sale_id" is null;

-- fact_sale: retry held
insert into "engine_stage"."shop.fact_sale" ("sale_id", "sold_at", "country", "user_id", "seller_id", "price", "quantity", "$held", "$since")
select h."sale_id", h."sold_at", h."country", h."user_id", h."seller_id", h."price", h."quantity", h."$held", h."$since"
from "engine"."held.shop.fact_sale" as h;

-- fact_sale: hold missing
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.lookups.user_key'
from (
  select ctid as "$row", (country) as "$user_key.0", (user_id) as "$user_key.1"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$user_key.0" and m."user_id" = v."$user_key.1"
where s.ctid = v."$row" and m."user_key" is null
  and v."$user_key.0" is not null
  and v."$user_key.1" is not null;

-- fact_sale: hold missing
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.lookups.seller_key'
from (
  select ctid as "$row", ('NL') as "$seller_key.0", (seller_id) as "$seller_key.1"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1"
where s.ctid = v."$row" and m."user_key" is null
  and v."$seller_key.0" is not null
  and v."$seller_key.1" is not null;

-- fact_sale: release held
delete from "engine"."held.shop.fact_sale" as h
using "engine_stage"."shop.fact_sale" as s
where s."$held" = h."$held"
  and (s."$reject" is null or s."$reject" not in ('facts.fact_sale.lookups.user_key', 'facts.fact_sale.lookups.seller_key'));

-- fact_sale: keep held
insert into "engine"."held.shop.fact_sale" ("sale_id", "sold_at", "country", "user_id", "seller_id", "price", "quantity", "$since", "$rule")
select s."sale_id", s."sold_at", s."country", s."user_id", s."seller_id", s."price", s."quantity", coalesce(s."$since", now()), s."$reject"
from "engine_stage"."shop.fact_sale" as s
where s."$held" is null
  and s."$reject" in ('facts.fact_sale.lookups.user_key', 'facts.fact_sale.lookups.seller_key');

-- fact_sale: count held
select count(*) as failed, coalesce(extract(epoch from now() - min("$since")), 0)::bigint as total
from "engine"."held.shop.fact_sale";

-- fact_sale: upsert
with s as materialized (
  select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total"
  from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", coalesce(l2."user_key", -1) as "seller_key", v."sale_id", v."total"
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

-- fact_sale: create stage
create unlogged table "engine_stage"."shop.fact_sale" (
  "sale_id" bigint,
  "sold_at" timestamp without time zone,
  "country" text,
  "user_id" integer,
  "seller_id" integer,
  "price" numeric,
  "quantity" integer,
  "$held" bigint,
  "$since" timestamp with time zone,
  "$reject" text
);

-- fact_sale: widen column
alter table "engine"."held.shop.fact_sale" alter column "sale_id" type bigint;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "sold_at" timestamp without time zone;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "country" text;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "user_id" integer;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "seller_id" integer;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "price" numeric;

-- fact_sale: add column
alter table "engine"."held.shop.fact_sale" add column if not exists "quantity" integer;

-- fact_sale: age held
update "engine_stage"."shop.fact_sale" as s set "$since" = h."$since"
from (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
join (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine"."held.shop.fact_sale"
) as w on w."sale_id" = v."sale_id"
join "engine"."held.shop.fact_sale" as h on h.ctid = w."$row"
where s.ctid = v."$row";

-- fact_sale: drop replaced
delete from "engine"."held.shop.fact_sale" as h
using (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine"."held.shop.fact_sale"
) as w
join (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v on w."sale_id" = v."sale_id"
where h.ctid = w."$row";

-- fact_sale: retry held
insert into "engine_stage"."shop.fact_sale" ("sale_id", "sold_at", "country", "user_id", "seller_id", "price", "quantity", "$held", "$since")
select h."sale_id", h."sold_at", h."country", h."user_id", h."seller_id", h."price", h."quantity", h."$held", h."$since"
from "engine"."held.shop.fact_sale" as h;

-- fact_sale: release held
delete from "engine"."held.shop.fact_sale" as h
using "engine_stage"."shop.fact_sale" as s
where s."$held" = h."$held";

-- fact_sale: count held
select count(*) as failed, coalesce(extract(epoch from now() - min("$since")), 0)::bigint as total
from "engine"."held.shop.fact_sale";

-- fact_sale: upsert
with s as materialized (
  select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total"
  from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_key" as "seller_key", v."sale_id", v."total"
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

