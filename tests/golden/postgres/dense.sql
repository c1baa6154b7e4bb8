-- fact_sale: prove filled
select case when exists (select from "engine_stage"."shop.fact_sale" where "$reject" is null) then 0 else 1 end;

-- fact_sale: fill dense
create unlogged table "engine_stage"."shop.fact_sale.filled" as
select m0."user_key" as "user_key", m1."user_key" as "seller_key", v."day_key", v."the month", v."total", v."price", v."cheap", v."sold_at"
from (
select l0."day_key" as "day_key", v."the month", v."total", v."price", v."cheap", v."sold_at", v."$user_key"
from (
  select
    "the month" as "the month",
    ('0')::numeric(12,2) as "total",
    "price" as "price",
    (null)::boolean as "cheap",
    "sold_at" as "sold_at",
    (sold_at)::date as "$day_key.0",
    coalesce((sold_at), (p."$end" - '1 microsecond'::interval)::timestamp without time zone) as "$user_key"
  from (
    select p."$end", null::bigint as "sale_id", (p."$end" - '1 microsecond'::interval)::timestamp without time zone as "sold_at", null::text as "country", null::integer as "user_id", null::integer as "seller_id", null::numeric as "price", null::integer as "quantity", p."$start" as "the month"
    from (select g::date as "$start", (g + '1 month'::interval)::date as "$end" from generate_series('2026-02-01'::timestamp, '2026-03-01'::timestamp, '1 month'::interval) as g) as p
  ) as p
) as v
left join "mart"."dim_day" as l0 on l0."date" = v."$day_key.0"
) as v
join "mart"."dim_user" as m0 on m0."user_key" > 0
  and m0."valid_from" <= v."$user_key" and v."$user_key" < m0."valid_to"
join "mart"."dim_seller" as m1 on m1."user_key" > 0
  and not m1."is_deleted"
where not exists (
  select from (
select coalesce(l0."user_key", -1) as "user_key", l1."user_key" as "seller_key", v."the month"
from (
  select
    "the month" as "the month",
    (country) as "$user_key.0",
    (user_id) as "$user_key.1",
    (sold_at) as "$user_key.2",
    (seller_id) as "$seller_key.0"
  from "engine_stage"."shop.fact_sale"
) as v
left join "mart"."dim_user" as l0 on l0."country" = v."$user_key.0" and l0."user_id" = v."$user_key.1" and l0."valid_from" <= v."$user_key.2" and v."$user_key.2" < l0."valid_to"
left join "mart"."dim_seller" as l1 on l1."user_id" = v."$seller_key.0"
) as s
  join "mart"."dim_user" as k0 on k0."user_key" = s."user_key"
  where s."the month" = v."the month"
    and k0."country" = m0."country" and k0."user_id" = m0."user_id"
    and s."seller_key" = m1."user_key"
);

-- fact_sale: prove made
select count(*) as failed, min("the month")::text as example
from "engine_stage"."shop.fact_sale.filled"
where "day_key" is null;

-- fact_sale: add partitions
do $partitions$
declare
  period record;
begin
  for period in
    select distinct
      date_trunc('month', v."$time")::date as low,
      (date_trunc('month', v."$time") + '1 month'::interval)::date as high
    from (
      select r."the month"::timestamp with time zone as "$time" from (
select "the month" from (
  select
    "the month" as "the month"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as w
union all
select "the month" from "engine_stage"."shop.fact_sale.filled"
) as r
    ) as v
    order by 1
  loop
    execute format(
      'create table %I.%I partition of %I.%I for values from (%L) to (%L)',
      'mart', 'fact_sale_p' || to_char(period.low, 'YYYYMM'),
      'mart', 'fact_sale', period.low, period.high
    );
  end loop;
end
$partitions$;

-- fact_sale: count unchanged
select count(*)
from (
select "day_key", "user_key", "seller_key", "the month", "total", "price", "cheap", "sold_at" from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_key" as "seller_key", v."the month", v."total", v."price", v."cheap", v."sold_at"
from (
  select
    "the month" as "the month",
    (price * quantity)::numeric(12,2) as "total",
    "price" as "price",
    (price < 1) as "cheap",
    "sold_at" as "sold_at",
    (sold_at)::date as "$day_key.0",
    (country) as "$user_key.0",
    (user_id) as "$user_key.1",
    (sold_at) as "$user_key.2",
    (seller_id) as "$seller_key.0"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_day" as l0 on l0."date" = v."$day_key.0"
left join "mart"."dim_user" as l1 on l1."country" = v."$user_key.0" and l1."user_id" = v."$user_key.1" and l1."valid_from" <= v."$user_key.2" and v."$user_key.2" < l1."valid_to"
left join "mart"."dim_seller" as l2 on l2."user_id" = v."$seller_key.0"
) as w
union all
select "day_key", "user_key", "seller_key", "the month", "total", "price", "cheap", "sold_at" from "engine_stage"."shop.fact_sale.filled"
) as s
join "mart"."fact_sale" as t on t."the month" = s."the month" and t."user_key" = s."user_key" and t."seller_key" = s."seller_key"
where not (t."day_key" is distinct from s."day_key" or t."total" is distinct from s."total" or t."price" is distinct from s."price" or t."cheap" is distinct from s."cheap" or t."sold_at" is distinct from s."sold_at");

-- fact_sale: insert new
insert into "mart"."fact_sale" ("day_key", "user_key", "seller_key", "the month", "total", "price", "cheap", "sold_at")
select s."day_key", s."user_key", s."seller_key", s."the month", s."total", s."price", s."cheap", s."sold_at"
from (
select "day_key", "user_key", "seller_key", "the month", "total", "price", "cheap", "sold_at" from (
select l0."day_key" as "day_key", coalesce(l1."user_key", -1) as "user_key", l2."user_key" as "seller_key", v."the month", v."total", v."price", v."cheap", v."sold_at"
from (
  select
    "the month" as "the month",
    (price * quantity)::numeric(12,2) as "total",
    "price" as "price",
    (price < 1) as "cheap",
    "sold_at" as "sold_at",
    (sold_at)::date as "$day_key.0",
    (country) as "$user_key.0",
    (user_id) as "$user_key.1",
    (sold_at) as "$user_key.2",
    (seller_id) as "$seller_key.0"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_day" as l0 on l0."date" = v."$day_key.0"
left join "mart"."dim_user" as l1 on l1."country" = v."$user_key.0" and l1."user_id" = v."$user_key.1" and l1."valid_from" <= v."$user_key.2" and v."$user_key.2" < l1."valid_to"
left join "mart"."dim_seller" as l2 on l2."user_id" = v."$seller_key.0"
) as w
union all
select "day_key", "user_key", "seller_key", "the month", "total", "price", "cheap", "sold_at" from "engine_stage"."shop.fact_sale.filled"
) as s
left join "mart"."fact_sale" as t on t."the month" = s."the month" and t."user_key" = s."user_key" and t."seller_key" = s."seller_key"
where t."the month" is null;

-- fact_sale: delete gone
delete from "mart"."fact_sale" as t
where t."the month" between '2026-01-01'::date and '2026-03-01'::date
  and not exists (select from (
select "user_key", "seller_key", "the month" from (
select coalesce(l0."user_key", -1) as "user_key", l1."user_key" as "seller_key", v."the month"
from (
  select
    "the month" as "the month",
    (country) as "$user_key.0",
    (user_id) as "$user_key.1",
    (sold_at) as "$user_key.2",
    (seller_id) as "$seller_key.0"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as v
left join "mart"."dim_user" as l0 on l0."country" = v."$user_key.0" and l0."user_id" = v."$user_key.1" and l0."valid_from" <= v."$user_key.2" and v."$user_key.2" < l0."valid_to"
left join "mart"."dim_seller" as l1 on l1."user_id" = v."$seller_key.0"
) as w
union all
select "user_key", "seller_key", "the month" from "engine_stage"."shop.fact_sale.filled"
) as s where t."the month" = s."the month" and t."user_key" = s."user_key" and t."seller_key" = s."seller_key");

