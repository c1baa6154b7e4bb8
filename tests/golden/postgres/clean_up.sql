-- : drop stage
drop table if exists "engine_stage"."shop__dim_day";

-- : drop stage
drop table if exists "engine_stage"."shop__dim_user";

-- : drop stage
drop table if exists "engine_stage"."shop__fact_sale";

