-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "is_inferred" boolean not null default false;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "inferred_at" timestamp with time zone;

-- dim_user: analyze
analyze "engine_stage"."shop.dim_user";

-- dim_user: count unchanged
select count(*)
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
join "mart"."dim_user" as t on t."country" = s."country" and t."user_id" = s."user_id"
where not (t."name" is distinct from s."name" or t."Weird ""Name""" is distinct from s."Weird ""Name""" or t."settings"::text is distinct from s."settings"::text)
  and not t.is_inferred;

-- dim_user: complete inferred
update "mart"."dim_user" as t set
  "country" = s."country",
  "user_id" = s."user_id",
  "name" = s."name",
  "Weird ""Name""" = s."Weird ""Name""",
  "settings" = s."settings",
  is_inferred = false
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
  and t.is_inferred;

-- dim_user: delete gone
delete from "mart"."dim_user" as t
where not exists (select from (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as s where t."country" = s."country" and t."user_id" = s."user_id")
  and t."user_key" > 0
  and not t."is_inferred"
  and not exists (select from "mart"."fact_sale" as f where f."user_key" = t."user_key")
  and not exists (select from "mart"."fact_sale" as f where f."seller_key" = t."user_key");

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_inferred_key" on "mart"."dim_user" ("country", "user_id") where "is_inferred";

-- dim_user: infer members
insert into "mart"."dim_user" ("country", "user_id", "name", is_inferred, inferred_at)
select v."country", v."user_id", 'Unknown'::character varying, true, now()
from (
  select distinct r."$user_key.0"::text as "country", r."$user_key.1"::integer as "user_id"
  from (
    select (country) as "$user_key.0", (user_id) as "$user_key.1"
    from "engine_stage"."shop.fact_sale" where "$reject" is null
  ) as r
  where r."$user_key.0"::text = r."$user_key.0" and r."$user_key.1"::integer = r."$user_key.1"
) as v
left join "mart"."dim_user" as m on m."country" = v."country" and m."user_id" = v."user_id"
where m."user_key" is null
order by v."country", v."user_id";

-- dim_user: count inferred
select count(*) as failed, coalesce(extract(epoch from now() - min(inferred_at)), 0)::bigint as total
from "mart"."dim_user" where is_inferred;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "user_durable_key" bigint;

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
alter table "mart"."dim_user" add column if not exists "is_inferred" boolean not null default false;

-- dim_user: add column
alter table "mart"."dim_user" add column if not exists "inferred_at" timestamp with time zone;

-- dim_user: analyze
analyze "engine_stage"."shop.dim_user";

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
inferred as (
  select e."country", e."user_id", min(e."$effective") as "$effective", max(t."user_key") as "$inferred"
  from event as e
  join present as t on t."country" = e."country" and t."user_id" = e."user_id"
  where t.is_inferred
  group by e."country", e."user_id"
),
point as (
  select "country", "user_id", "name", "Weird ""Name""", "settings", "$effective" as "$at", "$inferred" as "$key", 1 as "$read", 2 as "$rank"
  from event left join inferred using ("country", "user_id", "$effective")
  union all
  select "country", "user_id", "name", "Weird ""Name""", "settings", changed_at, "user_key", 0, 1 from present where not is_inferred
  union all
  select "country", "user_id", "name", "Weird ""Name""", "settings", confirmed_at, null, 0, 0 from present where confirmed_at > changed_at and not is_inferred
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

-- dim_user: write versions
with written as (
  update "mart"."dim_user" as t set
    "name" = v."name",
    "Weird ""Name""" = v."Weird ""Name""",
    "settings" = v."settings",
    "old name" = v."old name",
    "changed_at" = v."changed_at",
    "confirmed_at" = v."confirmed_at",
    is_inferred = false,
    valid_from = v.valid_from,
    valid_to = v.valid_to,
    is_current = v.is_current
  from "engine_stage"."shop.dim_user.versions" as v
  where t."user_key" = v."$key" and (v."$closed" or v."$written")
  returning v."$closed"
)
select count(*) from written where "$closed";

-- dim_user: fill durable key
update "mart"."dim_user" as t set "user_durable_key" = m."$durable"
from (
  select a."country", a."user_id", coalesce(min(a."user_durable_key"), min(a."user_key")) as "$durable"
  from "mart"."dim_user" as a
  join (
    select distinct "country", "user_id" from "mart"."dim_user"
    where "user_durable_key" is null and "user_key" > 0
  ) as n on a."country" = n."country" and a."user_id" = n."user_id"
  where a."user_key" > 0
  group by a."country", a."user_id"
) as m
where t."country" = m."country" and t."user_id" = m."user_id" and t."user_durable_key" is null and t."user_key" > 0;

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_current_key" on "mart"."dim_user" ("country", "user_id") where "is_current";

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_valid_from_key" on "mart"."dim_user" ("country", "user_id", "valid_from");

-- dim_user: add unique index
create unique index if not exists "dim_user_user_durable_key_valid_from_key" on "mart"."dim_user" ("user_durable_key", "valid_from");

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_inferred_key" on "mart"."dim_user" ("country", "user_id") where "is_inferred";

-- dim_user: infer members
insert into "mart"."dim_user" ("country", "user_id", is_inferred, inferred_at)
select v."country", v."user_id", true, now()
from (
  select distinct r."$user_key.0"::text as "country", r."$user_key.1"::integer as "user_id"
  from (
    select (country) as "$user_key.0", (user_id) as "$user_key.1", (sold_at) as "$user_key.2"
    from "engine_stage"."shop.fact_sale" where "$reject" is null
  ) as r
  where r."$user_key.0"::text = r."$user_key.0" and r."$user_key.1"::integer = r."$user_key.1"
    and r."$user_key.2" < 'infinity'
) as v
left join "mart"."dim_user" as m on m."country" = v."country" and m."user_id" = v."user_id"
where m."user_key" is null
order by v."country", v."user_id";

-- dim_user: fill durable key
update "mart"."dim_user" as t set "user_durable_key" = m."$durable"
from (
  select a."country", a."user_id", coalesce(min(a."user_durable_key"), min(a."user_key")) as "$durable"
  from "mart"."dim_user" as a
  join (
    select distinct "country", "user_id" from "mart"."dim_user"
    where "user_durable_key" is null and "user_key" > 0
  ) as n on a."country" = n."country" and a."user_id" = n."user_id"
  where a."user_key" > 0
  group by a."country", a."user_id"
) as m
where t."country" = m."country" and t."user_id" = m."user_id" and t."user_durable_key" is null and t."user_key" > 0;

-- dim_user: count inferred
select count(*) as failed, coalesce(extract(epoch from now() - min(inferred_at)), 0)::bigint as total
from "mart"."dim_user" where is_inferred;

