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

-- dim_user: prove unique
select count(*) as failed, min(twice::text) as example from (
  select v."country", v."user_id" from (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as v group by v."country", v."user_id" having count(*) > 1
) as twice;

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
  ('dimensions.dim_user.checks.0', 'check not_null name', 'shop.yml:28:1')
) as r (rule, reason, place) on r.rule = s."$reject"
on conflict (mapping, entry, rule, row_hash) do nothing;

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
where not (t."name" is distinct from s."name" or t."Weird ""Name""" is distinct from s."Weird ""Name""" or t."settings"::text is distinct from s."settings"::text);

-- dim_user: update changed
update "mart"."dim_user" as t set
  "name" = s."name",
  "Weird ""Name""" = s."Weird ""Name""",
  "settings" = s."settings"
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

-- dim_user: prove filled
select case when exists (select from "engine_stage"."shop.dim_user" where "$reject" is null) then 0 else 1 end;

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
  and not exists (select from "mart"."fact_sale" as f where f."user_key" = t."user_key")
  and not exists (select from "mart"."fact_sale" as f where f."seller_key" = t."user_key");

-- dim_user: describe table
comment on table "mart"."dim_user" is 'It''s a user';

-- dim_user: describe column
comment on column "mart"."dim_user"."user_key" is 'Surrogate key';

-- dim_user: check
select coalesce(sum(copies) filter (where copies > 1), 0) as failed, coalesce(sum(copies), 0) as total
from (
  select count(*) as copies
  from "mart"."dim_user" as t
  where t."name" is not null
    and t."user_key" > 0
    and (t."name") in (
      select b."name" from "mart"."dim_user" as b
      join (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as s on b."country" = s."country" and b."user_id" = s."user_id"
    )
  group by t."name"
) as groups;

-- dim_user: check
select
  case when count(*) < 1 or count(*) > 9223372036854775807 then 1 else 0 end as failed,
  count(*) as total
from "mart"."dim_user" as t
where t."user_key" > 0;

