-- fact_sale: find missing
select
  array[v."$day_key.0"::text] as key,
  null as time, false as known
from (
  select 1, (sold_at)::date as "$day_key.0"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_day" as m on m."date" = v."$day_key.0"
where m."day_key" is null
order by 1, 2 limit 1;

-- fact_sale: find missing
select
  array[v."$seller_key.0"::text, v."$seller_key.1"::text] as key,
  null as time, false as known
from (
  select 1, ('NL') as "$seller_key.0", (seller_id) as "$seller_key.1"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1"
where m."user_key" is null
order by 1, 2 limit 1;

-- fact_sale: find missing
select
  array[v."$day_key.0"::text] as key,
  null as time, false as known
from (
  select 1, (sold_at)::date as "$day_key.0"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_day" as m on m."date" = v."$day_key.0"
where m."day_key" is null
order by 1, 2 limit 1;

-- fact_sale: find missing
select
  array[v."$seller_key.0"::text, v."$seller_key.1"::text] as key,
  v."$seller_key.2"::text as time,
  exists (select from "mart"."dim_user" as k where k."country" = v."$seller_key.0" and k."user_id" = v."$seller_key.1") as known
from (
  select 1, ('NL') as "$seller_key.0", (seller_id) as "$seller_key.1", (sold_at + '1 h') as "$seller_key.2"
  from "engine_stage"."shop.fact_sale" where "$reject" is null
) as v
left join "mart"."dim_user" as m on m."country" = v."$seller_key.0" and m."user_id" = v."$seller_key.1" and m."valid_from" <= v."$seller_key.2" and v."$seller_key.2" < m."valid_to"
where m."user_key" is null
order by 1, 2 limit 1;

