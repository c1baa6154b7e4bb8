-- dim_flag: create table
create table if not exists "mart"."dim_flag" (
  "flag_key" bigint generated always as identity not null,
  "country" text,
  "cheap" boolean
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

-- dim_flag: fill combinations
create unlogged table "engine_stage"."shop.dim_flag" as
select distinct s."country", s."cheap" from (
  select
    "country" as "country",
    (country is null)::boolean as "cheap"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as s
union
select distinct s."country", s."cheap" from (
  select
    "country" as "country",
    (country is null)::boolean as "cheap"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as s;

-- dim_flag: analyze
analyze "engine_stage"."shop.dim_flag";

-- dim_flag: insert combinations
insert into "mart"."dim_flag" ("country", "cheap")
select s."country", s."cheap"
from "engine_stage"."shop.dim_flag" as s
order by s."country", s."cheap";

-- dim_flag: add primary key
alter table "mart"."dim_flag" add primary key ("flag_key");

-- dim_flag: add combination index
create unique index if not exists "combination_17fbb1a6_dim_flag" on "mart"."dim_flag" (
  (array["country"]),
  (array["cheap"])
) where "flag_key" > 0;

-- dim_flag: ensure member
insert into "mart"."dim_flag" as t (
  "flag_key", "country", "cheap"
)
overriding system value values (
  -1, null::text, null::boolean
)
on conflict ("flag_key") do update set
  "country" = excluded."country",
  "cheap" = excluded."cheap"
where (t."country" is distinct from excluded."country" or t."cheap" is distinct from excluded."cheap");

-- dim_flag: analyze
analyze "mart"."dim_flag";

-- dim_flag: describe column
comment on column "mart"."dim_flag"."flag_key" is 'Surrogate key';

-- fact_sale: create filled
create table "mart"."fact_sale" as
select s."flag_key", s."sale_id", s."total"
from (
select l0."flag_key" as "flag_key", v."sale_id", v."total"
from (
  select
    "sale_id" as "sale_id",
    (price * quantity)::numeric(12,2) as "total",
    "country" as "$flag_key.0",
    (country is null)::boolean as "$flag_key.1"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_flag" as l0 on array[l0."country"] = array[v."$flag_key.0"] and array[l0."cheap"] = array[v."$flag_key.1"] and l0."flag_key" > 0
) as s;

