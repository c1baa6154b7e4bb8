-- dim_user: count outdated
select count(*)
from "mart"."dim_user" as t
where not exists (select from (
  select
    "country" as "country",
    "user_id" as "user_id"
  from "engine_stage"."shop.dim_user"
  where "$reject" is null
) as s where t."country" = s."country" and t."user_id" = s."user_id")
  and t."user_key" > 0;

-- fact_sale: count outdated
select count(*)
from "mart"."fact_sale" as t
where not exists (select from (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as s where t."sale_id" = s."sale_id");

