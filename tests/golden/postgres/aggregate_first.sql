-- agg_sale: create table
create table if not exists "mart"."agg_sale" (
  "month" date,
  "who" bigint,
  "sales" bigint,
  "paid" numeric(12,2)
);

-- agg_sale: fill groups
create unlogged table "engine_stage"."shop.agg_sale" as
select
  f."$0" as "month",
  f."$1" as "who",
  (count(*)) as "sales",
  (
sum(total) -- all
)::numeric(12,2) as "paid"
from (
  select f.*, d0."month_start" as "$0", f."user_key" as "$1"
  from "mart"."fact_sale" as f
  left join "mart"."dim_day" as d0 on d0."day_key" = f."day_key"
) as f
group by f."$0", f."$1";

-- agg_sale: analyze
analyze "engine_stage"."shop.agg_sale";

-- agg_sale: insert groups
insert into "mart"."agg_sale" ("month", "who", "sales", "paid")
select s."month", s."who", s."sales", s."paid"
from "engine_stage"."shop.agg_sale" as s;

-- agg_sale: add group index
create unique index if not exists "groups_e767b12d_agg_sale" on "mart"."agg_sale" (
  (array["month"]),
  (array["who"])
);

-- agg_sale: analyze
analyze "mart"."agg_sale";

-- agg_sale: describe column
comment on column "mart"."agg_sale"."who" is 'It''s the user';

-- agg_sale: check
select
  array[
    count(*) filter (where (t."sales" < '1'::bigint))
  ] as failed,
  count(*) as total
from "mart"."agg_sale" as t
where true;

