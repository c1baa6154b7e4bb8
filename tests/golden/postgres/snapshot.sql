-- fact_sale: copy
copy (
select q."sale_id", q."sold_at", q."country", q."user_id", q."seller_id", q."price", q."quantity"
from (
select q.*, period.start as "the month"
from (select g::date as start, (g + interval '1 month')::date as "end" from generate_series('2026-01-01'::timestamp, '2026-03-01'::timestamp, interval '1 month') as g) as period
cross join lateral (
SELECT * FROM sales
) as q
) as q

) to stdout (format binary);

-- fact_sale: count source
select count(*) from (
select q.*, period.start as "the month"
from (select g::date as start, (g + interval '1 month')::date as "end" from generate_series('2026-01-01'::timestamp, '2026-03-01'::timestamp, interval '1 month') as g) as period
cross join lateral (
SELECT * FROM sales
) as q
) as q;

-- fact_sale: prove filled
select case when exists (select from "engine_stage"."shop.fact_sale" where "$reject" is null) then 0 else 1 end;

-- fact_sale: delete gone
delete from "mart"."fact_sale" as t
where t."the month" between '2026-01-01'::date and '2026-03-01'::date
  and not exists (select from (
  select
    "sale_id" as "sale_id"
  from "engine_stage"."shop.fact_sale"
  where "$reject" is null
) as s where t."sale_id" = s."sale_id");

