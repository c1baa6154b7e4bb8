-- fact_sale: create table
create table if not exists "mart"."fact_sale" (
  "day_key" integer not null,
  "user_key" bigint not null,
  "seller_key" bigint not null,
  "sale_id" bigint,
  "total" numeric(12,2),
  "price" text
);

-- fact_sale: describe column
comment on column "mart"."fact_sale"."total" is 'What it''s for (semi-additive measure, EUR)';

-- fact_sale: describe column
comment on column "mart"."fact_sale"."price" is 'Non-additive measure';

-- : create measures
create or replace view "mart"."shop_measures" ("table_name", "column_name", "measure", "unit", "format", "description", "how_to_aggregate") as
values
  ('fact_sale'::text, 'total'::text, 'semi-additive'::text, 'EUR'::text, ''::text, 'What it''s for'::text, 'sum, but not over day_key: there take the last one, or the average'::text),
  ('fact_sale'::text, 'price'::text, 'non-additive'::text, ''::text, ''::text, ''::text, 'do not sum: compute it anew from what it is made of, or take min, max or average'::text);

-- : drop measures
drop view "mart"."shop_measures";

