-- fact_sale: create table
create table if not exists "mart"."fact_sale" (
  "day_key" integer not null,
  "user_key" bigint not null,
  "seller_key" bigint not null,
  "sale_id" bigint,
  "total" numeric(12,2),
  "sold at" date
) partition by range ("sold at");

-- fact_sale: create partition
create table "mart"."fact_sale_p202601" partition of "mart"."fact_sale"
for values from ('2026-01-01') to ('2026-02-01');

-- fact_sale: create partition
create table "mart"."fact_sale_p202602" partition of "mart"."fact_sale"
for values from ('2026-02-01') to ('2026-03-01');

-- fact_sale: create partition
create table "mart"."fact_sale_p202603" partition of "mart"."fact_sale"
for values from ('2026-03-01') to ('2026-04-01');

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

-- fact_sale: count source
select count(*) from (
SELECT * FROM sales
) as q
where q."sale_id" is not null;

-- fact_sale: reject expired
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.partition.keep'
from (
  select
    "sold at" as "sold at",
    ctid as "$row"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
where s.ctid = v."$row" and v."sold at" < '2024-01-01';

-- fact_sale: reject no period
update "engine_stage"."shop.fact_sale" as s set "$reject" = 'facts.fact_sale.partition.by'
from (
  select
    "sold at" as "sold at",
    ctid as "$row"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
where s.ctid = v."$row"
  and (v."sold at" is null or v."sold at" < '0001-01-01' or v."sold at" >= '9999-01-01');

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
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1"
where s.ctid = v."$row" and m."user_key" is null;

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

-- fact_sale: prove unique
select count(*) as failed, min(twice::text) as example from (
  select v."sale_id" from (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v group by v."sale_id" having count(*) > 1
) as twice;

-- fact_sale: quarantine
insert into engine.reject (run_id, mapping, entry, rule, reason, place, row, row_hash)
select
  current_setting('engine.run_id')::uuid, 'shop', 'fact_sale',
  r.rule, r.reason, r.place, to_jsonb(k), md5(to_jsonb(k)::text)
from "engine_stage"."shop.fact_sale" as s
cross join lateral (select s."sale_id", s."sold_at", s."country", s."user_id", s."seller_id", s."price", s."quantity") as k
join (values
  ('facts.fact_sale.partition.by', 'sold at is null, or not in the years 1 to 9998', 'shop.yml:28:1'),
  ('facts.fact_sale.lookups.seller_key', 'no member of dim_user for seller_key', 'shop.yml:34:1'),
  ('facts.fact_sale.grain', 'the grain is null', 'shop.yml:21:1')
) as r (rule, reason, place) on r.rule = s."$reject"
on conflict (mapping, entry, rule, row_hash) do nothing;

-- fact_sale: add partitions
do $partitions$
declare
  period record;
begin
  for period in
    select distinct
      date_trunc('month', v."$time")::date as low,
      (date_trunc('month', v."$time") + '1 month'::interval)::date as high
    from (
      select r."sold at"::timestamp with time zone as "$time" from (
  select
    "sold at" as "sold at"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as r
    ) as v
    left join (values
      ('2026-01-01'::date, '2026-02-01'::date),
      ('2026-02-01'::date, '2026-03-01'::date),
      ('2026-03-01'::date, '2026-04-01'::date)
    ) as p (low, high) on v."$time" >= p.low and v."$time" < p.high
    where p.low is null
    order by 1
  loop
    execute format(
      'create table %I.%I partition of %I.%I for values from (%L) to (%L)',
      'mart', 'fact_sale_p' || to_char(period.low, 'YYYYMM'),
      'mart', 'fact_sale', period.low, period.high
    );
  end loop;
end
$partitions$;

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
) as s;

-- fact_sale: add primary key
alter table "mart"."fact_sale" add primary key ("sale_id", "sold at");

-- fact_sale: analyze
analyze "mart"."fact_sale";

-- fact_sale: describe column
comment on column "mart"."fact_sale"."day_key" is 'Key of dim_day';

-- fact_sale: describe column
comment on column "mart"."fact_sale"."user_key" is 'Key of dim_user';

-- fact_sale: describe column
comment on column "mart"."fact_sale"."seller_key" is 'Key of dim_user';

-- fact_sale: check
select
  array[
    count(*) filter (where (t."total" < '0'::numeric or t."total" > '99.5'::numeric)),
    count(*) filter (where t."sale_id" not in ('1'::bigint, '2'::bigint)),
    count(*) filter (where (t."user_key" is not null and not exists (select from "mart"."dim_user" as m where m."user_key" = t."user_key")))
  ] as failed,
  count(*) as total
from "mart"."fact_sale" as t
where true;

-- fact_sale: check
select
  count(*) as failed,
(select count(*) from "mart"."fact_sale") as total
from (
SELECT 1 FROM "mart"."fact_sale" WHERE total < 0
) as q;

-- fact_sale: check
select
  case when max(t."sale_id")::timestamptz >= now() - make_interval(secs => 3600)
    then 0 else 1 end as failed,
  count(*) as total,
  max(t."sale_id")::text as newest
from "mart"."fact_sale" as t
where true;

