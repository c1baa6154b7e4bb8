-- dim_user: copy
copy (
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q

) to stdout (format binary);

-- dim_user: read cursors
select
count(*) filter (where "changed_at" is null or "name" is null) as nulls,
  array[0, 0, 0]::bigint[] as forbidden,
  array[
    (max("changed_at") filter (where "changed_at" < '2026-01-01 00:00:00+00'::timestamp with time zone))::text,
    (max("user_id"))::text,
    (max("name"::text collate "C"))::text
  ] as highest,
count(*) filter (where (s."country" is null or s."user_id" is null)) as keyless
from "engine_stage"."shop.dim_user" as s;

-- fact_sale: copy
copy (
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
SELECT * FROM sales
) as q
where (q."sale_id" is not null or q."sold_at" is not null)
) to stdout (format binary);

-- fact_sale: count null cursors
select count(*) from (
SELECT * FROM sales
) as q where q."sale_id" is null and q."sold_at" is null;

-- fact_sale: read cursors
select
0 as nulls,
  array[0, 0]::bigint[] as forbidden,
  array[
    (max("sale_id"))::text,
    (max("sold_at"))::text
  ] as highest,
count(*) filter (where (s."sale_id" is null)) as keyless
from "engine_stage"."shop.fact_sale" as s;

-- fact_sale: count source
select count(*) from (
SELECT * FROM sales
) as q
where (q."sale_id" is not null or q."sold_at" is not null);

-- dim_user: copy
copy (
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q
where (((q."changed_at" >= '2025-06-01 12:00:00+00'::timestamp with time zone or q."changed_at" is null) or q."user_id" >= '7'::integer or (q."name"::text collate "C" >= 'x'::character varying or q."name" is null)) or (q."country", q."user_id") in (
  select k."country", k."user_id" from (
SELECT * FROM users -- all
) as k where ((k."changed_at" >= '2025-06-01 12:00:00+00'::timestamp with time zone or k."changed_at" is null) or k."user_id" >= '7'::integer or (k."name"::text collate "C" >= 'x'::character varying or k."name" is null))
))
) to stdout (format binary);

-- dim_user: read cursors
select
count(*) filter (where "changed_at" is null or "name" is null) as nulls,
  array[0, 0, 0]::bigint[] as forbidden,
  array[
    (max("changed_at") filter (where "changed_at" >= '2025-06-01 12:00:00+00'::timestamp with time zone and "changed_at" < '2026-01-01 00:00:00+00'::timestamp with time zone))::text,
    (max("user_id") filter (where "user_id" >= '7'::integer))::text,
    (max("name"::text collate "C") filter (where "name"::text collate "C" >= 'x'::character varying))::text
  ] as highest,
count(*) filter (where (s."country" is null or s."user_id" is null)) as keyless
from "engine_stage"."shop.dim_user" as s;

-- fact_sale: copy
copy (
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
SELECT * FROM sales
) as q
where q."sale_id" >= '100'::bigint
union all
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
SELECT * FROM sales
) as q
where q."sold_at" >= '2025-01-01'::timestamp without time zone and (q."sale_id" >= '100'::bigint) is not true
) to stdout (format binary);

-- fact_sale: count null cursors
select count(*) from (
SELECT * FROM sales
) as q where q."sale_id" is null and q."sold_at" is null;

-- fact_sale: read cursors
select
0 as nulls,
  array[0, 0]::bigint[] as forbidden,
  array[
    (max("sale_id") filter (where "sale_id" >= '100'::bigint))::text,
    (max("sold_at") filter (where "sold_at" >= '2025-01-01'::timestamp without time zone))::text
  ] as highest,
count(*) filter (where (s."sale_id" is null)) as keyless
from "engine_stage"."shop.fact_sale" as s;

-- fact_sale: count source
select count(*) from (
SELECT * FROM sales
) as q
where (q."sale_id" >= '100'::bigint or q."sold_at" >= '2025-01-01'::timestamp without time zone);

