-- dim_user: create table
create table if not exists "mart"."dim_user" (
  "user_key" bigint generated always as identity not null,
  "country" text,
  "user_id" integer,
  "name" character varying(50),
  "Weird ""Name""" character varying(10),
  "settings" json,
  "_run_id" uuid default ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid),
  "_source" text default ('source'::text),
  "_loaded_at" timestamp with time zone default (now()),
  "_updated_at" timestamp with time zone default (now())
);

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
  , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
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
  , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
where (t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text);

-- fact_sale: create filled
create table "mart"."fact_sale" as
select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total", s."_run_id", s."_source", s."_loaded_at", s."_updated_at"
from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_key" as "seller_key", v."sale_id", v."total", v."_run_id", v."_source", v."_loaded_at", v."_updated_at"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
    ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid) as "_run_id",
    ('source'::text) as "_source",
    (now()) as "_loaded_at",
    (now()) as "_updated_at",
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

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_run_id" set default ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid);

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_source" set default ('source'::text);

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_loaded_at" set default (now());

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_updated_at" set default (now());

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "_run_id" uuid;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "_source" text;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "_loaded_at" timestamp with time zone;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "_updated_at" timestamp with time zone;

-- dim_user: set default
alter table "mart"."dim_user" alter column "_run_id" set default ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid);

-- dim_user: set default
alter table "mart"."dim_user" alter column "_source" set default ('source'::text);

-- dim_user: set default
alter table "mart"."dim_user" alter column "_loaded_at" set default (now());

-- dim_user: set default
alter table "mart"."dim_user" alter column "_updated_at" set default (now());

-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "_run_id" uuid;

-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "_source" text;

-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "_loaded_at" timestamp with time zone;

-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "_updated_at" timestamp with time zone;

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_run_id" set default ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid);

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_source" set default ('source'::text);

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_loaded_at" set default (now());

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_updated_at" set default (now());

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
  , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
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
  , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
where (t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text);

-- dim_user: update changed
update "mart"."dim_user" as t set
  "name" = s."name",
  "Weird ""Name""" = s."Weird ""Name""",
  "settings" = s."settings"
  , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
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
where t."country" = s."country" and t."user_id" = s."user_id"
  and (t."name" is distinct from s."name" or t."Weird ""Name""" is distinct from s."Weird ""Name""" or t."settings"::text is distinct from s."settings"::text);

-- dim_user: insert new
insert into "mart"."dim_user" ("country", "user_id", "name", "Weird ""Name""", "settings")
select s."country", s."user_id", s."name", s."Weird ""Name""", s."settings"
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
left join "mart"."dim_user" as t on t."country" = s."country" and t."user_id" = s."user_id"
where t."country" is null
order by s."country", s."user_id";

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
    , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
  where (t."day_key" is distinct from excluded."day_key" or t."user_key" is distinct from excluded."user_key" or t."seller_key" is distinct from excluded."seller_key" or t."total" is distinct from excluded."total")
  returning xmax = 0 as is_new
)
select
  count(*) filter (where not is_new) as updated,
  count(*) filter (where is_new) as inserted,
  (select count(*) from s) as total
from t;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "old name" character varying(50);

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "valid_from" timestamp with time zone not null default '-infinity';

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "valid_to" timestamp with time zone not null default 'infinity';

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "is_current" boolean not null default true;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "changed_at" timestamp with time zone not null default '-infinity';

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "confirmed_at" timestamp with time zone not null default '-infinity';

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "_run_id" uuid;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "_source" text;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "_loaded_at" timestamp with time zone;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "_updated_at" timestamp with time zone;

-- dim_user: set default
alter table "mart"."dim_user" alter column "_run_id" set default ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid);

-- dim_user: set default
alter table "mart"."dim_user" alter column "_source" set default ('source'::text);

-- dim_user: set default
alter table "mart"."dim_user" alter column "_loaded_at" set default (now());

-- dim_user: set default
alter table "mart"."dim_user" alter column "_updated_at" set default (now());

-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "_run_id" uuid;

-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "_source" text;

-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "_loaded_at" timestamp with time zone;

-- fact_sale: add column
alter table "mart"."fact_sale" add column if not exists "_updated_at" timestamp with time zone;

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_run_id" set default ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid);

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_source" set default ('source'::text);

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_loaded_at" set default (now());

-- fact_sale: set default
alter table "mart"."fact_sale" alter column "_updated_at" set default (now());

-- dim_user: write versions
with written as (
  update "mart"."dim_user" as t set
    "name" = v."name",
    "Weird ""Name""" = v."Weird ""Name""",
    "settings" = v."settings",
    "old name" = v."old name",
    "changed_at" = v."changed_at",
    "confirmed_at" = v."confirmed_at",
    valid_from = v.valid_from,
    valid_to = v.valid_to,
    is_current = v.is_current
    , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
  from "engine_stage"."shop.dim_user.versions" as v
  where t."user_key" = v."$key" and (v."$closed" or v."$written")
  returning v."$closed"
)
select count(*) from written where "$closed";

-- dim_user: repoint facts
update "mart"."fact_sale" as f set "user_key" = n."user_key", "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
from "engine_stage"."shop.dim_user.versions" as v
join "mart"."dim_user" as n on n."country" = v."country" and n."user_id" = v."user_id"
cross join "mart"."dim_day" as c
where f."user_key" = v."$key"
  and c."day_key" = f."day_key"
  and n."user_key" <> v."$key"
  and n.valid_from <= c."date"
  and c."date" < n.valid_to;

-- dim_user: repoint facts
update "mart"."fact_sale" as f set "seller_key" = n."user_key", "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
from "engine_stage"."shop.dim_user.versions" as v
join "mart"."dim_user" as n on n."country" = v."country" and n."user_id" = v."user_id"
where f."seller_key" = v."$key"
  and n."user_key" <> v."$key"
  and n.valid_from <= f."seen at"
  and f."seen at" < n.valid_to;

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
  , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
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
  , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
where (t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text or t."old name" is distinct from excluded."old name");

-- fact_sale: upsert
with s as materialized (
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
) as s
), t as (
  insert into "mart"."fact_sale" as t ("day_key", "user_key", "seller_key", "sale_id", "total", "seen at")
  select s."day_key", s."user_key", s."seller_key", s."sale_id", s."total", s."seen at"
  from s
  on conflict ("sale_id") do update set
    "day_key" = excluded."day_key",
    "user_key" = excluded."user_key",
    "seller_key" = excluded."seller_key",
    "total" = excluded."total",
    "seen at" = excluded."seen at"
    , "_run_id" = ((NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid), "_updated_at" = (now())
  where (t."day_key" is distinct from excluded."day_key" or t."user_key" is distinct from excluded."user_key" or t."seller_key" is distinct from excluded."seller_key" or t."total" is distinct from excluded."total" or t."seen at" is distinct from excluded."seen at")
  returning xmax = 0 as is_new
)
select
  count(*) filter (where not is_new) as updated,
  count(*) filter (where is_new) as inserted,
  (select count(*) from s) as total
from t;

