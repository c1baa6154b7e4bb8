-- dim_user: drop current view
drop view if exists "mart"."dim_user_current";

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

-- dim_user: ensure member
insert into "mart"."dim_user" as t (
  "user_key", "user_durable_key", "country", "user_id", "name", "Weird ""Name""", "settings", "old name"
)
overriding system value values (
  -1, '-1'::bigint, null::text, null::integer, 'Unknown'::character varying, null::character varying, null::json, null::character varying
)
on conflict ("user_key") do update set
  "user_durable_key" = excluded."user_durable_key",
  "country" = excluded."country",
  "user_id" = excluded."user_id",
  "name" = excluded."name",
  "Weird ""Name""" = excluded."Weird ""Name""",
  "settings" = excluded."settings",
  "old name" = excluded."old name"
where (t."user_durable_key" is distinct from excluded."user_durable_key" or t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text or t."old name" is distinct from excluded."old name");

-- dim_user: ensure member
insert into "mart"."dim_user" as t (
  "user_key", "user_durable_key", "country", "user_id", "name", "Weird ""Name""", "settings", "old name"
)
overriding system value values (
  -2, '-2'::bigint, '--'::text, '0'::integer, null::character varying, null::character varying, null::json, null::character varying
)
on conflict ("user_key") do update set
  "user_durable_key" = excluded."user_durable_key",
  "country" = excluded."country",
  "user_id" = excluded."user_id",
  "name" = excluded."name",
  "Weird ""Name""" = excluded."Weird ""Name""",
  "settings" = excluded."settings",
  "old name" = excluded."old name"
where (t."user_durable_key" is distinct from excluded."user_durable_key" or t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text or t."old name" is distinct from excluded."old name");

-- dim_user: create current view
create or replace view "mart"."dim_user_current" as
select "user_durable_key", "user_key", "valid_from", "country", "user_id", "name", "Weird ""Name""", "settings", "old name"
from "mart"."dim_user"
where "is_current";

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
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1" and m."is_current"
where s.ctid = v."$row" and m."user_durable_key" is null;

