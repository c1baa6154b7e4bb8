-- : create schema
create schema if not exists "mart";

-- dim_time: create table
create table if not exists "mart"."dim_time" (
  "time_key" integer not null,
  "time" time without time zone,
  "day_part" text,
  "label" text
);

-- dim_time: create stage
create unlogged table "engine_stage"."shop.dim_time" (
  "time_key" integer,
  "time" time without time zone,
  "hour" smallint,
  "minute" smallint,
  "second" smallint,
  "hour_12" smallint,
  "am_pm" text,
  "day_part" text,
  "label" text,
  "$reject" text
);

-- dim_time: fill clock
insert into "engine_stage"."shop.dim_time" ("time_key", "time", "hour", "minute", "second", "hour_12", "am_pm", "day_part", "label")
select c."time_key", c."time", c."hour", c."minute", c."second", c."hour_12", c."am_pm", c."day_part", c."label"
from (
  select
    to_char(t, 'HH24MISS')::integer as "time_key",
    t::time as time,
    extract(hour from t)::smallint as hour,
    extract(minute from t)::smallint as minute,
    extract(second from t)::smallint as second,
    to_char(t, 'FMHH12')::smallint as hour_12,
    to_char(t, 'AM') as am_pm,
    p.name as day_part,
    to_char(t, 'HH24:MI') as label
  from generate_series(timestamp '2000-01-01', timestamp '2000-01-01 23:59:59', '15 min'::interval) as t
  join (values
('00:00', '06:00', 'night'),
('06:00', '22:00', 'day'),
('22:00', '24:00', 'night')
  ) as p (low, high, name) on p.low::time <= t::time and t::time < p.high::time
) as c;

-- fact_sale: create stage
create unlogged table "engine_stage"."shop.fact_sale" (
  "sale_id" bigint,
  "sold_at" timestamp without time zone,
  "country" text,
  "user_id" integer,
  "seller_id" integer,
  "price" numeric,
  "quantity" integer,
  "$reject" text
);

-- fact_sale: copy
copy (
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
SELECT * FROM sales
) as q
where q."sale_id" is not null
) to stdout (format binary);

-- fact_sale: analyze
analyze "engine_stage"."shop.fact_sale";

-- fact_sale: count null cursors
select count(*) from (
SELECT * FROM sales
) as q where q."sale_id" is null;

-- fact_sale: read cursors
select
count(*) filter (where "sale_id" is null) as nulls,
  array[0]::bigint[] as forbidden,
  array[
    (max("sale_id"))::text
  ] as highest,
count(*) filter (where (s."sale_id" is null)) as keyless
from "engine_stage"."shop.fact_sale" as s;

-- dim_time: insert new
insert into "mart"."dim_time" ("time_key", "time", "day_part", "label")
select s."time_key", s."time", s."day_part", s."label"
from (
  select
    "time_key" as "time_key",
    "time" as "time",
    "day_part" as "day_part",
    "label" as "label"
  from "engine_stage"."shop.dim_time"
  where "$reject" is null
) as s
order by s."time";

-- dim_time: add primary key
alter table "mart"."dim_time" add primary key ("time_key");

-- dim_time: add unique index
create unique index if not exists "dim_time_time_key" on "mart"."dim_time" ("time");

-- dim_time: analyze
analyze "mart"."dim_time";

-- dim_time: describe column
comment on column "mart"."dim_time"."time_key" is 'Key of the time of day, as a number: 93000';

-- fact_sale: prove found
select count(*)
from (
  select 1, (date_bin('15 min', timestamp '2000-01-01' + (sold_at)::time, timestamp '2000-01-01'))::time as "$time_key.0"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_time" as m on m."time" = v."$time_key.0"
where m."time_key" is null;

-- fact_sale: reject null keys
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.grain'
from (
  select
    "sale_id" as "sale_id",
    ctid as "$row"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
where s.ctid = v."$row" and (v."sale_id" is null);

-- fact_sale: quarantine
insert into engine.reject (run_id, mapping, entry, rule, reason, place, row, row_hash)
select
  current_setting('engine.run_id')::uuid, 'shop', 'fact_sale',
  r.rule, r.reason, r.place, to_jsonb(k), md5(to_jsonb(k)::text)
from "engine_stage"."shop.fact_sale" as s
cross join lateral (select s."sale_id", s."sold_at", s."country", s."user_id", s."seller_id", s."price", s."quantity") as k
join (values
  ('facts.fact_sale.grain', 'the grain is null', 'shop.yml:21:1')
) as r (rule, reason, place) on r.rule = s."$reject"
on conflict (mapping, entry, rule, row_hash) do nothing;

-- fact_sale: create filled
create table "mart"."fact_sale" as
select s."time_key", s."sale_id", s."total"
from (
select l0."time_key" as "time_key", v."sale_id", v."total"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
    (date_bin('15 min', timestamp '2000-01-01' + (sold_at)::time, timestamp '2000-01-01'))::time as "$time_key.0"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_time" as l0 on l0."time" = v."$time_key.0"
) as s;

-- fact_sale: add primary key
alter table "mart"."fact_sale" add primary key ("sale_id"),
  alter column "time_key" set not null;

-- fact_sale: analyze
analyze "mart"."fact_sale";

-- fact_sale: describe column
comment on column "mart"."fact_sale"."time_key" is 'Key of dim_time';

-- dim_time: check
select
  case when count(*) < 96 or count(*) > 96 then 1 else 0 end as failed,
  count(*) as total
from "mart"."dim_time" as t
where t."time_key" > -1;

