-- agg_sale: analyze
analyze "engine_stage"."shop.agg_sale";

-- agg_sale: drop index
drop index if exists "mart"."groups_old_agg_sale";

-- agg_sale: empty groups
delete from "mart"."agg_sale";

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

