-- dim_user: read borders
select array[
  (low::numeric + (high::numeric - low::numeric) * 1 / 2)::integer::text
] as borders
from (
  select min(q."user_id") as low, max(q."user_id") as high
  from (
SELECT * FROM users -- all
) as q
) as ends
where low < high;

-- dim_user: read borders
select array[
  (low + (high - low) * 1 / 2)::text
] as borders
from (
  select min(q."born on") as low, max(q."born on") as high
  from (
SELECT * FROM users -- all
) as q
  where isfinite(q."born on")
) as ends
where low < high;

-- dim_user: read borders
select array[
  (low + (high - low) * (1::double precision / 2))::text
] as borders
from (
  select min(q."updated_at") as low, max(q."updated_at") as high
  from (
SELECT * FROM users -- all
) as q
  where isfinite(q."updated_at")
) as ends
where low < high;

-- dim_user: copy
copy (
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q
where (q."user_id" < '10'::integer or q."user_id" is null)
) to stdout (format binary);

-- : estimate rows
explain (format json)
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q
where (q."user_id" < '10'::integer or q."user_id" is null);

-- dim_user: copy
copy (
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q
where q."user_id" >= '10'::integer and q."user_id" < '20'::integer
) to stdout (format binary);

-- : estimate rows
explain (format json)
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q
where q."user_id" >= '10'::integer and q."user_id" < '20'::integer;

-- dim_user: copy
copy (
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q
where q."user_id" >= '20'::integer
) to stdout (format binary);

-- : estimate rows
explain (format json)
select q."country"::text as "country", q."user_id", q."name", q."settings", q."changed_at"
from (
SELECT * FROM users -- all
) as q
where q."user_id" >= '20'::integer;

-- fact_sale: copy
copy (
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
SELECT * FROM sales
) as q
where q."sale_id" is not null and (q."sale_id" < '7'::bigint or q."sale_id" is null)
) to stdout (format binary);

-- : estimate rows
explain (format json)
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
SELECT * FROM sales
) as q
where q."sale_id" is not null and (q."sale_id" < '7'::bigint or q."sale_id" is null);

-- fact_sale: copy
copy (
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
SELECT * FROM sales
) as q
where q."sale_id" is not null and q."sale_id" >= '7'::bigint
) to stdout (format binary);

-- : estimate rows
explain (format json)
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
SELECT * FROM sales
) as q
where q."sale_id" is not null and q."sale_id" >= '7'::bigint;

