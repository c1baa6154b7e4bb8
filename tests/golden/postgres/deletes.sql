-- dim_user: copy keys
copy (
select q."country"::text as "country", q."user_id"
from (
SELECT * FROM users -- all
) as q

) to stdout (format binary);

-- fact_sale: copy keys
copy (
select q."sale_id"
from (
SELECT * FROM sales
) as q

) to stdout (format binary);

-- dim_user: find gone
create unlogged table "engine_stage"."shop.dim_user.gone" as
select t."country", t."user_id"
from "mart"."dim_user" as t
left join (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user.keys"
) as s on t."country" = s."country" and t."user_id" = s."user_id"
where s."country" is null
  and t."user_key" > 0
  and not t."is_deleted";

-- dim_user: prove few gone
select
  (select count(*) from "engine_stage"."shop.dim_user.gone") as failed,
  (select count(*) from "mart"."dim_user" as t where true
    and t."user_key" > 0
    and not t."is_deleted"
  ) as total;

-- dim_user: flag gone
update "mart"."dim_user" as t set is_deleted = true, deleted_at = now()
from "engine_stage"."shop.dim_user.gone" as g
where t."country" = g."country" and t."user_id" = g."user_id"
  and not t.is_deleted;

-- dim_user: unflag returned
update "mart"."dim_user" as t set is_deleted = false, deleted_at = null
from (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user.keys"
) as s
where t."country" = s."country" and t."user_id" = s."user_id"
  and t.is_deleted;

-- fact_sale: find gone
create unlogged table "engine_stage"."shop.fact_sale.gone" as
select t."sale_id"
from "mart"."fact_sale" as t
left join (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale.keys"
) as s on t."sale_id" = s."sale_id"
where s."sale_id" is null;

-- fact_sale: prove few gone
select
  (select count(*) from "engine_stage"."shop.fact_sale.gone") as failed,
  (select count(*) from "mart"."fact_sale" as t where true
  ) as total;

-- fact_sale: remove gone
delete from "mart"."fact_sale" as t
using "engine_stage"."shop.fact_sale.gone" as g
where t."sale_id" = g."sale_id";

-- dim_user: copy keys
copy (
select q."country"::text as "country", q."user_id"
from (
SELECT * FROM users -- all
) as q

) to stdout (format binary);

-- fact_sale: copy keys
copy (
select q."sale_id"
from (
SELECT * FROM sales
) as q

) to stdout (format binary);

-- dim_user: find gone
create unlogged table "engine_stage"."shop.dim_user.gone" as
select t."country", t."user_id"
  , bool_or(t."is_deleted") as "$known"
  , bool_or(exists (select from "mart"."fact_sale" as f where f."user_key" = t."user_key") or exists (select from "mart"."fact_sale" as f where f."seller_key" = t."user_key") or false) as "$kept"
from "mart"."dim_user" as t
left join (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user.keys"
) as s on t."country" = s."country" and t."user_id" = s."user_id"
where s."country" is null
  and t."user_key" > 0
group by t."country", t."user_id";

-- dim_user: prove few gone
select
  (select count(*) from "engine_stage"."shop.dim_user.gone" where not "$known") as failed,
  (select count(distinct (t."country", t."user_id")) from "mart"."dim_user" as t where true
    and t."user_key" > 0
    and not t."is_deleted"
  ) as total;

-- dim_user: remove gone
delete from "mart"."dim_user" as t
using "engine_stage"."shop.dim_user.gone" as g
where t."country" = g."country" and t."user_id" = g."user_id"
  and not g."$kept";

-- dim_user: flag referred
update "mart"."dim_user" as t set is_deleted = true, deleted_at = now()
from "engine_stage"."shop.dim_user.gone" as g
where t."country" = g."country" and t."user_id" = g."user_id"
  and g."$kept" and not t.is_deleted;

-- dim_user: unflag returned
update "mart"."dim_user" as t set is_deleted = false, deleted_at = null
from (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user.keys"
) as s
where t."country" = s."country" and t."user_id" = s."user_id"
  and t.is_deleted;

-- fact_sale: find gone
create unlogged table "engine_stage"."shop.fact_sale.gone" as
select t."sale_id"
from "mart"."fact_sale" as t
left join (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale.keys"
) as s on t."sale_id" = s."sale_id"
where s."sale_id" is null
  and not t."is_deleted";

-- fact_sale: prove few gone
select
  (select count(*) from "engine_stage"."shop.fact_sale.gone") as failed,
  (select count(*) from "mart"."fact_sale" as t where true
    and not t."is_deleted"
  ) as total;

-- fact_sale: flag gone
update "mart"."fact_sale" as t set is_deleted = true, deleted_at = now()
from "engine_stage"."shop.fact_sale.gone" as g
where t."sale_id" = g."sale_id"
  and not t.is_deleted;

-- fact_sale: unflag returned
update "mart"."fact_sale" as t set is_deleted = false, deleted_at = null
from (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale.keys"
) as s
where t."sale_id" = s."sale_id"
  and t.is_deleted;

-- dim_user: copy keys
copy (
select q."country"::text as "country", q."user_id"
from (
SELECT * FROM users -- all
) as q

) to stdout (format binary);

-- fact_sale: copy keys
copy (
select q."sale_id"
from (
SELECT * FROM sales
) as q

) to stdout (format binary);

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
death as (
  select distinct "country", "user_id", deleted_at from present where deleted_at is not null
),
lived as (
  select m.*, (
    select count(*) from death as d where d."country" = m."country" and d."user_id" = m."user_id" and d.deleted_at <= m."$at"
  ) as "$life"
  from moment as m
),
changed as (
  select *,
    case when lag("$at") over line is null or "$life" <> lag("$life") over line or ("name" is distinct from lag("name") over "line") then 1 else 0 end as "$change"
  from lived
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
, ended as (
  select v.*, (
    select min(d.deleted_at) from death as d
    where d."country" = v."country" and d."user_id" = v."user_id" and d.deleted_at > v.changed_at
  ) as "$death"
  from version as v
)
, before as (
  select v.*
    , case when lag(v.changed_at) over line is not null then lag(v."name") over line
      when v."name" is distinct from t."old name" then t."old name" end as "$before1"
  from ended as v
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
  least(lead(changed_at) over line, "$death", 'infinity') as valid_to,
  case when "$death" <= coalesce(lead(changed_at) over line, 'infinity') then "$death" end as deleted_at,
  lead(changed_at) over line is null and "$death" is null as is_current
from stretch as v
window line as (partition by "country", "user_id" order by changed_at)
)
select w.*,
  t.valid_from is distinct from w.valid_from or t.valid_to is distinct from w.valid_to as "$closed",
  (t."name" is distinct from w."name" or t."Weird ""Name""" is distinct from w."Weird ""Name""" or t."settings"::text is distinct from w."settings"::text or t."old name" is distinct from w."old name" or t."changed_at" is distinct from w."changed_at") as "$corrected",
  (t."name" is distinct from w."name" or t."Weird ""Name""" is distinct from w."Weird ""Name""" or t."settings"::text is distinct from w."settings"::text or t."old name" is distinct from w."old name" or t."changed_at" is distinct from w."changed_at" or t."confirmed_at" is distinct from w."confirmed_at") as "$written"
from wanted as w
left join present as t on t."user_key" = w."$key";

-- dim_user: write versions
with written as (
  update "mart"."dim_user" as t set
    "name" = v."name",
    "Weird ""Name""" = v."Weird ""Name""",
    "settings" = v."settings",
    "old name" = v."old name",
    "changed_at" = v."changed_at",
    "confirmed_at" = v."confirmed_at",
    deleted_at = v.deleted_at,
    valid_from = v.valid_from,
    valid_to = v.valid_to,
    is_current = v.is_current
  from "engine_stage"."shop.dim_user.versions" as v
  where t."user_key" = v."$key" and (v."$closed" or v."$written")
  returning v."$closed"
)
select count(*) from written where "$closed";

-- dim_user: insert versions
insert into "mart"."dim_user" ("country", "user_id", "name", "Weird ""Name""", "settings", "old name", "valid_from", "valid_to", "is_current", "changed_at", "confirmed_at", "deleted_at")
select v."country", v."user_id", v."name", v."Weird ""Name""", v."settings", v."old name", v."valid_from", v."valid_to", v."is_current", v."changed_at", v."confirmed_at", v."deleted_at"
from "engine_stage"."shop.dim_user.versions" as v
where v."$key" is null
order by v."country", v."user_id", v.changed_at;

-- dim_user: reopen returned
update "mart"."dim_user" as t set valid_to = 'infinity', is_current = true, deleted_at = null
from (
  select distinct d."user_key" as "$key"
  from "mart"."dim_user" as d
  join (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user.keys"
) as s on d."country" = s."country" and d."user_id" = s."user_id"
  left join "mart"."dim_user" as n on n."country" = d."country" and n."user_id" = d."user_id" and n.valid_from > d.valid_from
  where d.deleted_at is not null and n."user_key" is null
) as r
where t."user_key" = r."$key";

-- dim_user: find gone
create unlogged table "engine_stage"."shop.dim_user.gone" as
select t."country", t."user_id"
from "mart"."dim_user" as t
left join (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user.keys"
) as s on t."country" = s."country" and t."user_id" = s."user_id"
where s."country" is null
  and t."user_key" > 0
  and t."is_current";

-- dim_user: prove few gone
select
  (select count(*) from "engine_stage"."shop.dim_user.gone") as failed,
  (select count(*) from "mart"."dim_user" as t where true
    and t."user_key" > 0
    and t."is_current"
  ) as total;

-- dim_user: close gone
update "mart"."dim_user" as t set valid_to = g."$at", is_current = false, deleted_at = g."$at"
from (
  select v."user_key" as "$key", greatest(
'2026-01-01 00:00:00+00'::timestamp with time zone,
    (v.confirmed_at + '1 microsecond'::interval)::timestamp with time zone
  ) as "$at"
  from "mart"."dim_user" as v
  join "engine_stage"."shop.dim_user.gone" as g on v."country" = g."country" and v."user_id" = g."user_id"
  where v.is_current
) as g
where t."user_key" = g."$key";

-- fact_sale: find gone
create unlogged table "engine_stage"."shop.fact_sale.gone" as
select t."sale_id"
from "mart"."fact_sale" as t
left join (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale.keys"
) as s on t."sale_id" = s."sale_id"
where s."sale_id" is null
  and not t."is_deleted";

-- fact_sale: prove few gone
select
  (select count(*) from "engine_stage"."shop.fact_sale.gone") as failed,
  (select count(*) from "mart"."fact_sale" as t where true
    and not t."is_deleted"
  ) as total;

-- fact_sale: flag gone
update "mart"."fact_sale" as t set is_deleted = true, deleted_at = now()
from "engine_stage"."shop.fact_sale.gone" as g
where t."sale_id" = g."sale_id"
  and not t.is_deleted;

-- fact_sale: unflag returned
update "mart"."fact_sale" as t set is_deleted = false, deleted_at = null
from (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale.keys"
) as s
where t."sale_id" = s."sale_id"
  and t.is_deleted;

