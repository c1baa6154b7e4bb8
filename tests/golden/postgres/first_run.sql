-- : create schema
create schema if not exists "mart";

-- dim_day: create table
create table if not exists "mart"."dim_day" (
  "day_key" integer not null,
  "date" date,
  "year" integer,
  "quarter" smallint,
  "month" smallint,
  "month_name" text,
  "week" smallint,
  "iso_year" integer,
  "day" smallint,
  "day_of_week" smallint,
  "day_name" text,
  "day_of_year" smallint,
  "week_start" date,
  "month_start" date,
  "is_weekend" boolean,
  "fiscal_year" integer,
  "fiscal_quarter" smallint,
  "fiscal_month" smallint,
  "month_short" text,
  "day_short" text,
  "quarter_label" text,
  "month_label" text,
  "week_label" text,
  "month_end" date,
  "is_month_end" boolean,
  "is_quarter_end" boolean,
  "is_year_end" boolean,
  "is_weekday" boolean,
  "is_workday" boolean,
  "fiscal_quarter_label" text,
  "fiscal_period" text
);

-- dim_user: create table
create table if not exists "mart"."dim_user" (
  "user_key" bigint generated always as identity not null,
  "country" text,
  "user_id" integer,
  "name" character varying(50),
  "Weird ""Name""" character varying(10),
  "settings" json
);

-- dim_day: create stage
create unlogged table "engine_stage"."shop.dim_day" (
  "day_key" integer,
  "date" date,
  "year" integer,
  "quarter" smallint,
  "month" smallint,
  "month_name" text,
  "week" smallint,
  "iso_year" integer,
  "day" smallint,
  "day_of_week" smallint,
  "day_name" text,
  "day_of_year" smallint,
  "week_start" date,
  "month_start" date,
  "is_weekend" boolean,
  "fiscal_year" integer,
  "fiscal_quarter" smallint,
  "fiscal_month" smallint,
  "month_short" text,
  "day_short" text,
  "quarter_label" text,
  "month_label" text,
  "week_label" text,
  "month_end" date,
  "is_month_end" boolean,
  "is_quarter_end" boolean,
  "is_year_end" boolean,
  "is_weekday" boolean,
  "is_workday" boolean,
  "fiscal_quarter_label" text,
  "fiscal_period" text,
  "$reject" text
);

-- dim_day: fill calendar
insert into "engine_stage"."shop.dim_day" ("day_key", "date", "year", "quarter", "month", "month_name", "week", "iso_year", "day", "day_of_week", "day_name", "day_of_year", "week_start", "month_start", "is_weekend", "fiscal_year", "fiscal_quarter", "fiscal_month", "month_short", "day_short", "quarter_label", "month_label", "week_label", "month_end", "is_month_end", "is_quarter_end", "is_year_end", "is_weekday", "is_workday", "fiscal_quarter_label", "fiscal_period")
select c."day_key", c."date", c."year", c."quarter", c."month", c."month_name", c."week", c."iso_year", c."day", c."day_of_week", c."day_name", c."day_of_year", c."week_start", c."month_start", c."is_weekend", c."fiscal_year", c."fiscal_quarter", c."fiscal_month", c."month_short", c."day_short", c."quarter_label", c."month_label", c."week_label", c."month_end", c."is_month_end", c."is_quarter_end", c."is_year_end", c."is_weekday", c."is_workday", c."fiscal_quarter_label", c."fiscal_period"
from (
  select
    to_char(d, 'YYYYMMDD')::integer as "day_key",
    d as date,
    extract(year from d)::integer as year,
    extract(quarter from d)::smallint as quarter,
    extract(month from d)::smallint as month,
    m.name as month_name,
    extract(week from d)::smallint as week,
    extract(isoyear from d)::integer as iso_year,
    extract(day from d)::smallint as day,
    (1 + (extract(isodow from d)::integer - 7 + 7) % 7)::smallint as day_of_week,
    w.name as day_name,
    extract(doy from d)::smallint as day_of_year,
    d - (extract(isodow from d)::integer - 7 + 7) % 7 as week_start,
    date_trunc('month', d)::date as month_start,
    extract(isodow from d) in (6, 7) as is_weekend,
    f.year as fiscal_year,
    f.quarter as fiscal_quarter,
    f.month as fiscal_month,
    m.short as month_short,
    w.short as day_short,
    to_char(d, 'YYYY-"Q"Q') as quarter_label,
    to_char(d, 'YYYY-MM') as month_label,
    to_char(d, 'IYYY-"W"IW') as week_label,
    (date_trunc('month', d) + interval '1 month - 1 day')::date as month_end,
    extract(month from d + 1) <> extract(month from d) as is_month_end,
    extract(quarter from d + 1) <> extract(quarter from d) as is_quarter_end,
    extract(year from d + 1) <> extract(year from d) as is_year_end,
    extract(isodow from d) < 6 as is_weekday,
    extract(isodow from d) < 6 as is_workday,
    false as is_holiday,
    null::text as holiday_name,
    'FY' || f.year || '-Q' || f.quarter as fiscal_quarter_label,
    'FY' || f.year || '-P' || to_char(f.month, 'FM00') as fiscal_period,
    f.week as fiscal_week
  from (
    select g::date as d
    from generate_series('2024-01-01'::timestamp, '2025-12-31'::timestamp, interval '1 day') as g
  ) as days
  join (values
(1, 'January', 'Jan'),
(2, 'February', 'Feb'),
(3, 'March', 'Mar'),
(4, 'April', 'Apr'),
(5, 'May', 'May'),
(6, 'June', 'Jun'),
(7, 'July', 'Jul'),
(8, 'August', 'Aug'),
(9, 'September', 'Sep'),
(10, 'October', 'Oct'),
(11, 'November', 'Nov'),
(12, 'December', 'Dec')
  ) as m (number, name, short) on m.number = extract(month from d)
  join (values
(1, 'Monday', 'Mon'),
(2, 'Tuesday', 'Tue'),
(3, 'Wednesday', 'Wed'),
(4, 'Thursday', 'Thu'),
(5, 'Friday', 'Fri'),
(6, 'Saturday', 'Sat'),
(7, 'Sunday', 'Sun')
  ) as w (number, name, short) on w.number = extract(isodow from d)
  cross join lateral (
    select
      (extract(year from d) + case when 7 > 1 and extract(month from d) >= 7 then 1 else 0 end)::integer as year,
      (1 + (extract(month from d)::integer - 7 + 12) % 12 / 3)::smallint as quarter,
      (1 + (extract(month from d)::integer - 7 + 12) % 12)::smallint as month,
      null::smallint as week
  ) as f
) as c;

-- dim_user: create stage
create unlogged table "engine_stage"."shop.dim_user" (
  "country" text,
  "user_id" integer,
  "name" character varying(50),
  "settings" json,
  "changed_at" timestamp with time zone,
  "$reject" text
);

-- dim_user: copy
copy (
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q

) to stdout (format binary);

-- dim_user: analyze
analyze "engine_stage"."shop.dim_user";

-- dim_user: read cursors
select
count(*) filter (where "changed_at" is null) as nulls,
  array[0]::bigint[] as forbidden,
  array[
    (max("changed_at") filter (where "changed_at" < '2026-01-01 00:00:00+00'::timestamp with time zone))::text
  ] as highest,
count(*) filter (where (s."country" is null or s."user_id" is null)) as keyless
from "engine_stage"."shop.dim_user" as s;

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

-- dim_day: insert new
insert into "mart"."dim_day" ("day_key", "date", "year", "quarter", "month", "month_name", "week", "iso_year", "day", "day_of_week", "day_name", "day_of_year", "week_start", "month_start", "is_weekend", "fiscal_year", "fiscal_quarter", "fiscal_month", "month_short", "day_short", "quarter_label", "month_label", "week_label", "month_end", "is_month_end", "is_quarter_end", "is_year_end", "is_weekday", "is_workday", "fiscal_quarter_label", "fiscal_period")
select s."day_key", s."date", s."year", s."quarter", s."month", s."month_name", s."week", s."iso_year", s."day", s."day_of_week", s."day_name", s."day_of_year", s."week_start", s."month_start", s."is_weekend", s."fiscal_year", s."fiscal_quarter", s."fiscal_month", s."month_short", s."day_short", s."quarter_label", s."month_label", s."week_label", s."month_end", s."is_month_end", s."is_quarter_end", s."is_year_end", s."is_weekday", s."is_workday", s."fiscal_quarter_label", s."fiscal_period"
from (
  select
    "day_key" as "day_key",
    "date" as "date",
    "year" as "year",
    "quarter" as "quarter",
    "month" as "month",
    "month_name" as "month_name",
    "week" as "week",
    "iso_year" as "iso_year",
    "day" as "day",
    "day_of_week" as "day_of_week",
    "day_name" as "day_name",
    "day_of_year" as "day_of_year",
    "week_start" as "week_start",
    "month_start" as "month_start",
    "is_weekend" as "is_weekend",
    "fiscal_year" as "fiscal_year",
    "fiscal_quarter" as "fiscal_quarter",
    "fiscal_month" as "fiscal_month",
    "month_short" as "month_short",
    "day_short" as "day_short",
    "quarter_label" as "quarter_label",
    "month_label" as "month_label",
    "week_label" as "week_label",
    "month_end" as "month_end",
    "is_month_end" as "is_month_end",
    "is_quarter_end" as "is_quarter_end",
    "is_year_end" as "is_year_end",
    "is_weekday" as "is_weekday",
    "is_workday" as "is_workday",
    "fiscal_quarter_label" as "fiscal_quarter_label",
    "fiscal_period" as "fiscal_period"
  from "engine_stage"."shop.dim_day"
  where "$reject" is null
) as s
order by s."date";

-- dim_day: add primary key
alter table "mart"."dim_day" add primary key ("day_key");

-- dim_day: add unique index
create unique index if not exists "dim_day_date_key" on "mart"."dim_day" ("date");

-- dim_day: analyze
analyze "mart"."dim_day";

-- dim_day: describe column
comment on column "mart"."dim_day"."day_key" is 'Key of the day, as a number: 20260131';

-- dim_user: reject null keys
update "engine_stage"."shop.dim_user" as s set "$reject" = 'dimensions.dim_user.natural_key'
from (
  select
    "country" as "country",
    "user_id" as "user_id",
    ctid as "$row"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as v
where s.ctid = v."$row" and (v."country" is null or v."user_id" is null);

-- dim_user: prove ordinary
select count(*) from (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as v
where v."country" = '--'::text and v."user_id" = '0'::integer;

-- dim_user: reject duplicates
update "engine_stage"."shop.dim_user" as s set "$reject" = 'dimensions.dim_user.source.dedupe'
from (
  select v."$row", row_number() over (partition by v."country", v."user_id" order by v."$place") as nth
  from (
    select k.*, o."$place"
    from (
  select
    "country" as "country",
    "user_id" as "user_id",
    ctid as "$row"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as k
    join (
      select ctid as "$row", row_number() over (order by changed_at desc, ctid) as "$place"
      from "engine_stage"."shop.dim_user"
    ) as o on o."$row" = k."$row"
  ) as v
) as d
where s.ctid = d."$row" and d.nth > 1;

-- dim_user: reject check
update "engine_stage"."shop.dim_user" as s set "$reject" = 'dimensions.dim_user.checks.0'
from (
  select
    "name" as "name",
    ctid as "$row"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as v
where s.ctid = v."$row" and v."name" is null;

-- dim_user: quarantine
insert into engine.reject (run_id, mapping, entry, rule, reason, place, row, row_hash)
select
  current_setting('engine.run_id')::uuid, 'shop', 'dim_user',
  r.rule, r.reason, r.place, to_jsonb(k), md5(to_jsonb(k)::text)
from "engine_stage"."shop.dim_user" as s
cross join lateral (select s."country", s."user_id", s."name", s."settings"::text as "settings", s."changed_at") as k
join (values
  ('dimensions.dim_user.natural_key', 'the natural key is null', 'shop.yml:31:1'),
  ('dimensions.dim_user.source.dedupe', 'another row of this key came first', 'shop.yml:33:1'),
  ('dimensions.dim_user.checks.0', 'check not_null name', 'shop.yml:28:1')
) as r (rule, reason, place) on r.rule = s."$reject"
on conflict (mapping, entry, rule, row_hash) do nothing;

-- dim_user: insert new
insert into "mart"."dim_user" ("user_key", "country", "user_id", "name", "Weird ""Name""", "settings")
overriding system value
select row_number() over (order by s."country", s."user_id"), s."country", s."user_id", s."name", s."Weird ""Name""", s."settings"
from (
  select
    "country" as "country",
    "user_id" as "user_id",
    "name" as "name",
    (
upper(name) -- shout
)::character varying as "Weird ""Name""",
    "settings" as "settings"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as s
order by s."country", s."user_id";

-- dim_user: add primary key
alter table "mart"."dim_user" add primary key ("user_key");

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_key" on "mart"."dim_user" ("country", "user_id");

-- dim_user: continue keys
select count(setval(pg_get_serial_sequence('"mart"."dim_user"', 'user_key'), k.last))
from (select max("user_key") as last from "mart"."dim_user") as k
where k.last > 0;

-- dim_user: ensure member
insert into "mart"."dim_user" as t (
  "user_key", "country", "user_id", "name", "Weird ""Name""", "settings"
)
overriding system value values (
  -1, null::text, null::integer, 'Unknown'::character varying, null::character varying, null::json
)
on conflict ("user_key") do update set
  "country" = excluded."country",
  "user_id" = excluded."user_id",
  "name" = excluded."name",
  "Weird ""Name""" = excluded."Weird ""Name""",
  "settings" = excluded."settings"
where (t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text);

-- dim_user: ensure member
insert into "mart"."dim_user" as t (
  "user_key", "country", "user_id", "name", "Weird ""Name""", "settings"
)
overriding system value values (
  -2, '--'::text, '0'::integer, null::character varying, null::character varying, null::json
)
on conflict ("user_key") do update set
  "country" = excluded."country",
  "user_id" = excluded."user_id",
  "name" = excluded."name",
  "Weird ""Name""" = excluded."Weird ""Name""",
  "settings" = excluded."settings"
where (t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text);

-- dim_user: analyze
analyze "mart"."dim_user";

-- dim_user: describe table
comment on table "mart"."dim_user" is 'It''s a user';

-- dim_user: describe column
comment on column "mart"."dim_user"."user_key" is 'Surrogate key';

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

-- fact_sale: quarantine
insert into engine.reject (run_id, mapping, entry, rule, reason, place, row, row_hash)
select
  current_setting('engine.run_id')::uuid, 'shop', 'fact_sale',
  r.rule, r.reason, r.place, to_jsonb(k), md5(to_jsonb(k)::text)
from "engine_stage"."shop.fact_sale" as s
cross join lateral (select s."sale_id", s."sold_at", s."country", s."user_id", s."seller_id", s."price", s."quantity") as k
join (values
  ('facts.fact_sale.lookups.seller_key', 'no member of dim_user for seller_key', 'shop.yml:34:1'),
  ('facts.fact_sale.grain', 'the grain is null', 'shop.yml:21:1')
) as r (rule, reason, place) on r.rule = s."$reject"
on conflict (mapping, entry, rule, row_hash) do nothing;

-- fact_sale: create filled
create table "mart"."fact_sale" as
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
) as s;

-- fact_sale: add primary key
alter table "mart"."fact_sale" add primary key ("sale_id"),
  alter column "day_key" set not null,
  alter column "user_key" set not null,
  alter column "seller_key" set not null;

-- fact_sale: analyze
analyze "mart"."fact_sale";

-- fact_sale: describe column
comment on column "mart"."fact_sale"."day_key" is 'Key of dim_day';

-- fact_sale: describe column
comment on column "mart"."fact_sale"."user_key" is 'Key of dim_user';

-- fact_sale: describe column
comment on column "mart"."fact_sale"."seller_key" is 'Key of dim_user';

-- dim_user: check
select coalesce(sum(copies) filter (where copies > 1), 0) as failed, coalesce(sum(copies), 0) as total
from (
  select count(*) as copies
  from "mart"."dim_user" as t
  where t."name" is not null
    and t."user_key" > 0
  group by t."name"
) as groups;

-- dim_user: check
select
  case when count(*) < 1 or count(*) > 9223372036854775807 then 1 else 0 end as failed,
  count(*) as total
from "mart"."dim_user" as t
where t."user_key" > 0;

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

