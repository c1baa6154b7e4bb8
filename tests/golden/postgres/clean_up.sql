-- : drop stage
drop table if exists "engine_stage"."shop.dim_day";

-- : drop stage
drop table if exists "engine_stage"."shop.dim_user";

-- : drop stage
drop table if exists "engine_stage"."shop.fact_sale";

