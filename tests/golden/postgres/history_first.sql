-- : create schema
create schema if not exists "mart";

-- dim_user: create table
create table if not exists "mart"."dim_user" (
  "user_key" bigint generated always as identity not null,
  "country" text,
  "user_id" integer,
  "name" character varying(50),
  "Weird ""Name""" character varying(10),
  "settings" json,
  "old name" character varying(50),
  "valid_from" timestamp with time zone not null default '-infinity',
  "valid_to" timestamp with time zone not null default 'infinity',
  "is_current" boolean not null default true,
  "changed_at" timestamp with time zone not null default '-infinity',
  "confirmed_at" timestamp with time zone not null default '-infinity'
);

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

-- dim_user: count several
select coalesce(sum(beside), 0)::bigint from (
  select count(*) - 1 as beside from (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as v group by v."country", v."user_id" having count(*) > 1
) as several;

-- dim_user: reject no time
update "engine_stage"."shop.dim_user" as s set "$reject" = 'dimensions.dim_user.history.effective'
from (
  select
    "country" as "country",
    "user_id" as "user_id",
    (changed_at) as "$effective",
    ctid as "$row"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as v
where s.ctid = v."$row" and isfinite(v."$effective") is not true;

-- dim_user: reject duplicates
update "engine_stage"."shop.dim_user" as s set "$reject" = 'dimensions.dim_user.source.dedupe'
from (
  select v."$row", row_number() over (partition by v."country", v."user_id", v."$effective" order by v."$place") as nth
  from (
    select k.*, o."$place"
    from (
  select
    "country" as "country",
    "user_id" as "user_id",
    (changed_at) as "$effective",
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
  ('dimensions.dim_user.history.effective', 'the effective time is null or infinite', 'shop.yml:37:1'),
  ('dimensions.dim_user.source.dedupe', 'another row of this key came first', 'shop.yml:33:1'),
  ('dimensions.dim_user.checks.0', 'check not_null name', 'shop.yml:28:1')
) as r (rule, reason, place) on r.rule = s."$reject"
on conflict (mapping, entry, rule, row_hash) do nothing;

-- dim_user: build versions
create unlogged table "engine_stage"."shop.dim_user.versions" as
with event as (
  select * from (
  select
    "country" as "country",
    "user_id" as "user_id",
    "name" as "name",
    (
upper(name) -- shout
)::character varying as "Weird ""Name""",
    "settings" as "settings",
    (changed_at) as "$effective"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as v
),
point as (
  select "country", "user_id", "name", "Weird ""Name""", "settings", "$effective" as "$at", null::bigint as "$key", 1 as "$read", 2 as "$rank"
  from event
),
moment as (
  select distinct on ("country", "user_id", "$at")
    "country",
    "user_id",
    "name",
    "Weird ""Name""",
    first_value("settings") over (partition by "country", "user_id" order by "$rank" = 2, "$at") as "settings",
    "$at",
    max("$key") over (partition by "country", "user_id", "$at") as "$key",
    sum("$read") over (partition by "country", "user_id", "$at") as "$read"
  from point
  order by "country", "user_id", "$at", "$rank" desc
),
changed as (
  select *,
    case when lag("$at") over line is null or ("name" is distinct from lag("name") over "line") then 1 else 0 end as "$change"
  from moment
  window line as (partition by "country", "user_id" order by "$at")
),
run as (
  select *, sum("$change") over (partition by "country", "user_id" order by "$at") as "$run" from changed
),
part as (
  select *, greatest(1, count("$key") over (partition by "country", "user_id", "$run" order by "$at")) as "$part" from run
),
version as (
  select distinct on ("country", "user_id", "$run", "$part")
    "country",
    "user_id",
    "name",
    "settings",
    first_value("Weird ""Name""") over (partition by "country", "user_id" order by "$at" desc) as "Weird ""Name""",
    min("$at") over whole as changed_at,
    max("$at") over whole as confirmed_at,
    max("$key") over whole as "$key",
    sum("$read") over whole as "$read"
  from part
  window whole as (partition by "country", "user_id", "$run", "$part")
  order by "country", "user_id", "$run", "$part", "$at" desc
)
, before as (
  select v.*
    , lag(v."name") over line as "$before1"
  from version as v
  window line as (partition by v."country", v."user_id" order by v.changed_at)
),
stretch as (
  select *
    , count(*) filter (where "name" is distinct from "$before1") over line as "$stretch1"
  from before
  window line as (partition by "country", "user_id" order by changed_at)
)
select v.*,
  first_value("$before1") over (partition by "country", "user_id", "$stretch1" order by changed_at) as "old name",
case when lag(changed_at) over line is null then '-infinity' else changed_at end as valid_from,
  coalesce(lead(changed_at) over line, 'infinity') as valid_to,
  lead(changed_at) over line is null as is_current
from stretch as v
window line as (partition by "country", "user_id" order by changed_at);

-- dim_user: count repeated
select coalesce(sum("$read"), 0)::bigint - count(*) from "engine_stage"."shop.dim_user.versions";

-- dim_user: insert versions
insert into "mart"."dim_user" ("country", "user_id", "name", "Weird ""Name""", "settings", "old name", "valid_from", "valid_to", "is_current", "changed_at", "confirmed_at")
select v."country", v."user_id", v."name", v."Weird ""Name""", v."settings", v."old name", v."valid_from", v."valid_to", v."is_current", v."changed_at", v."confirmed_at"
from "engine_stage"."shop.dim_user.versions" as v
where v."$key" is null
order by v."country", v."user_id", v.changed_at;

-- dim_user: insert first
insert into "mart"."dim_user" (
"user_key", "country", "user_id", "name", "Weird ""Name""", "settings", valid_from, valid_to, is_current, changed_at, confirmed_at
)
overriding system value
select row_number() over (order by v."country", v."user_id"), v."country", v."user_id", v."name", v."Weird ""Name""", v."settings",
'-infinity', 'infinity', true,
  v."$effective", v."$effective"
from (
  select
    "country" as "country",
    "user_id" as "user_id",
    "name" as "name",
    (
upper(name) -- shout
)::character varying as "Weird ""Name""",
    "settings" as "settings",
    (changed_at) as "$effective"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as v
order by v."country", v."user_id";

-- dim_user: add primary key
alter table "mart"."dim_user" add primary key ("user_key");

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_current_key" on "mart"."dim_user" ("country", "user_id") where "is_current";

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_valid_from_key" on "mart"."dim_user" ("country", "user_id", "valid_from");

-- dim_user: add period check
alter table "mart"."dim_user" add constraint "dim_user_period_check" check ("valid_from" < "valid_to");

-- dim_user: continue keys
select count(setval(pg_get_serial_sequence('"mart"."dim_user"', 'user_key'), k.last))
from (select max("user_key") as last from "mart"."dim_user") as k
where k.last > 0;

-- dim_user: ensure member
insert into "mart"."dim_user" as t (
  "user_key", "country", "user_id", "name", "Weird ""Name""", "settings", "old name"
)
overriding system value values (
  -1, null::text, null::integer, 'Unknown'::character varying, null::character varying, null::json, null::character varying
)
on conflict ("user_key") do update set
  "country" = excluded."country",
  "user_id" = excluded."user_id",
  "name" = excluded."name",
  "Weird ""Name""" = excluded."Weird ""Name""",
  "settings" = excluded."settings",
  "old name" = excluded."old name"
where (t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text or t."old name" is distinct from excluded."old name");

-- dim_user: ensure member
insert into "mart"."dim_user" as t (
  "user_key", "country", "user_id", "name", "Weird ""Name""", "settings", "old name"
)
overriding system value values (
  -2, '--'::text, '0'::integer, null::character varying, null::character varying, null::json, null::character varying
)
on conflict ("user_key") do update set
  "country" = excluded."country",
  "user_id" = excluded."user_id",
  "name" = excluded."name",
  "Weird ""Name""" = excluded."Weird ""Name""",
  "settings" = excluded."settings",
  "old name" = excluded."old name"
where (t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text or t."old name" is distinct from excluded."old name");

-- dim_user: analyze
analyze "mart"."dim_user";

-- dim_user: describe table
comment on table "mart"."dim_user" is 'It''s a user';

-- dim_user: describe column
comment on column "mart"."dim_user"."user_key" is 'Surrogate key';

-- dim_user: describe column
comment on column "mart"."dim_user"."valid_from" is 'Since when the version is valid';

-- dim_user: describe column
comment on column "mart"."dim_user"."valid_to" is 'Until when the version is valid, not included';

-- dim_user: describe column
comment on column "mart"."dim_user"."is_current" is 'Whether the version is the present one';

-- dim_user: describe column
comment on column "mart"."dim_user"."changed_at" is 'Effective time of the row of the source that made the version';

-- dim_user: describe column
comment on column "mart"."dim_user"."confirmed_at" is 'Effective time of the last row of the source that says the same';

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
  select ctid as "$row", ('NL') as "$seller_key.0", (seller_id) as "$seller_key.1", (sold_at + '1 h') as "$seller_key.2"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1" and m."valid_from" <= v."$seller_key.2" and v."$seller_key.2" < m."valid_to"
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
select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total", s."seen at"
from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_key" as "seller_key", v."sale_id", v."total", v."seen at"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
    (sold_at + '1 h')::text as "seen at",
    (sold_at)::date as "$day_key.0",
    (country) as "$user_key.0",
    (user_id) as "$user_key.1",
    (sold_at) as "$user_key.2",
    ('NL') as "$seller_key.0",
    (seller_id) as "$seller_key.1",
    (sold_at + '1 h') as "$seller_key.2"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_day" as l0 on l0."date" = v."$day_key.0"
left join "mart"."dim_user" as l1 on l1."country" = v."$user_key.0" and l1."user_id" = v."$user_key.1" and l1."valid_from" <= v."$user_key.2" and v."$user_key.2" < l1."valid_to"
left join "mart"."dim_user" as l2 on l2."country" = v."$seller_key.0" and l2."user_id" = v."$seller_key.1" and l2."valid_from" <= v."$seller_key.2" and v."$seller_key.2" < l2."valid_to"
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
    and t."is_current"
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

