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
where ((q."changed_at" >= '2025-06-01 12:00:00.123456+00'::timestamp with time zone or q."changed_at" is null) or (q."country", q."user_id") in (
  select k."country", k."user_id" from (
SELECT * FROM users -- all
) as k where (k."changed_at" >= '2025-06-01 12:00:00.123456+00'::timestamp with time zone or k."changed_at" is null)
))
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

-- dim_user: drop index
drop index if exists "mart"."dim_user_key";

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
present as (
  select t.* from "mart"."dim_user" as t
  join (select distinct "country", "user_id" from event) as touched on t."country" = touched."country" and t."user_id" = touched."user_id"
  where t."user_key" > 0
),
point as (
  select "country", "user_id", "name", "Weird ""Name""", "settings", "$effective" as "$at", null::bigint as "$key", 1 as "$read", 2 as "$rank"
  from event
  union all
  select "country", "user_id", "name", "Weird ""Name""", "settings", changed_at, "user_key", 0, 1 from present
  union all
  select "country", "user_id", "name", "Weird ""Name""", "settings", confirmed_at, null, 0, 0 from present where confirmed_at > changed_at
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
    , case when lag(v.changed_at) over line is not null then lag(v."name") over line
      when v."name" is distinct from t."old name" then t."old name" end as "$before1"
  from version as v
  left join present as t on t."user_key" = v."$key"
  window line as (partition by v."country", v."user_id" order by v.changed_at)
),
stretch as (
  select *
    , count(*) filter (where "name" is distinct from "$before1") over line as "$stretch1"
  from before
  window line as (partition by "country", "user_id" order by changed_at)
)
, wanted as (
select v.*,
  first_value("$before1") over (partition by "country", "user_id", "$stretch1" order by changed_at) as "old name",
case when lag(changed_at) over line is null then '-infinity' else changed_at end as valid_from,
  coalesce(lead(changed_at) over line, 'infinity') as valid_to,
  lead(changed_at) over line is null as is_current
from stretch as v
window line as (partition by "country", "user_id" order by changed_at)
)
select w.*,
  t.valid_from is distinct from w.valid_from or t.valid_to is distinct from w.valid_to as "$closed",
  (t."name" is distinct from w."name" or t."Weird ""Name""" is distinct from w."Weird ""Name""" or t."settings"::text is distinct from w."settings"::text or t."old name" is distinct from w."old name" or t."changed_at" is distinct from w."changed_at") as "$corrected",
  (t."name" is distinct from w."name" or t."Weird ""Name""" is distinct from w."Weird ""Name""" or t."settings"::text is distinct from w."settings"::text or t."old name" is distinct from w."old name" or t."changed_at" is distinct from w."changed_at" or t."confirmed_at" is distinct from w."confirmed_at") as "$written"
from wanted as w
left join present as t on t."user_key" = w."$key";

-- dim_user: analyze
analyze "engine_stage"."shop.dim_user.versions";

-- dim_user: count corrected
with member as (
  select sum("$read") as "$read", count(*) filter (where "$key" is null) as "$new",
    coalesce(bool_or("$corrected") filter (where "$key" is not null), false) as "$corrected"
  from "engine_stage"."shop.dim_user.versions"
  group by "country", "user_id"
)
select count(*) from member where "$corrected" and "$read" > "$new";

-- dim_user: count repeated
with member as (
  select sum("$read") as "$read", count(*) filter (where "$key" is null) as "$new",
    coalesce(bool_or("$corrected") filter (where "$key" is not null), false) as "$corrected"
  from "engine_stage"."shop.dim_user.versions"
  group by "country", "user_id"
)
select coalesce(sum("$read" - "$new" - case when "$corrected" and "$read" > "$new" then 1 else 0 end), 0)::bigint from member;

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
  from "engine_stage"."shop.dim_user.versions" as v
  where t."user_key" = v."$key" and (v."$closed" or v."$written")
  returning v."$closed"
)
select count(*) from written where "$closed";

-- dim_user: insert versions
insert into "mart"."dim_user" ("country", "user_id", "name", "Weird ""Name""", "settings", "old name", "valid_from", "valid_to", "is_current", "changed_at", "confirmed_at")
select v."country", v."user_id", v."name", v."Weird ""Name""", v."settings", v."old name", v."valid_from", v."valid_to", v."is_current", v."changed_at", v."confirmed_at"
from "engine_stage"."shop.dim_user.versions" as v
where v."$key" is null
order by v."country", v."user_id", v.changed_at;

-- dim_user: repoint facts
update "mart"."fact_sale" as f set "user_key" = n."user_key"
from "engine_stage"."shop.dim_user.versions" as v
join "mart"."dim_user" as n on n."country" = v."country" and n."user_id" = v."user_id"
cross join "mart"."dim_day" as c
where f."user_key" = v."$key"
  and c."day_key" = f."day_key"
  and n."user_key" <> v."$key"
  and n.valid_from <= c."date"
  and c."date" < n.valid_to;

-- dim_user: repoint facts
update "mart"."fact_sale" as f set "seller_key" = n."user_key"
from "engine_stage"."shop.dim_user.versions" as v
join "mart"."dim_user" as n on n."country" = v."country" and n."user_id" = v."user_id"
where f."seller_key" = v."$key"
  and n."user_key" <> v."$key"
  and n.valid_from <= f."seen at"
  and f."seen at" < n.valid_to;

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_current_key" on "mart"."dim_user" ("country", "user_id") where "is_current";

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_valid_from_key" on "mart"."dim_user" ("country", "user_id", "valid_from");

-- dim_user: add period check
alter table "mart"."dim_user" add constraint "dim_user_period_check" check ("valid_from" < "valid_to");

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

