-- The star of star.yml, as printed by: engine ddl mappings/star.yml

create schema if not exists "public";

create table if not exists "public"."dim_date" (
  "date_key" integer not null,
  "date" date,
  "year" integer,
  "quarter" smallint,
  "month" smallint,
  "month_name" text,
  "week" smallint,
  "iso_year" integer,
  "day" smallint,
  "day_of_week" smallint,
  "day_name" text,
  "day_of_year" smallint,
  "week_start" date,
  "month_start" date,
  "is_weekend" boolean,
  "fiscal_year" integer,
  "fiscal_quarter" smallint,
  "fiscal_month" smallint,
  "month_short" text,
  "day_short" text,
  "quarter_label" text,
  "month_label" text,
  "week_label" text,
  "month_end" date,
  "is_month_end" boolean,
  "is_quarter_end" boolean,
  "is_year_end" boolean,
  "is_weekday" boolean,
  "is_workday" boolean,
  "fiscal_quarter_label" text,
  "fiscal_period" text
);

alter table "public"."dim_date" add primary key ("date_key");

create unique index if not exists "dim_date_date_key" on "public"."dim_date" ("date");

comment on table "public"."dim_date" is 'One row for each day';

comment on column "public"."dim_date"."date_key" is 'Key of the day, as a number: 20260131';

create table if not exists "public"."dim_users" (
  "user_key" bigint generated always as identity not null,
  "user_id" integer,
  "name" character varying(100),
  "email" text,
  "email_domain" text,
  "city" character varying(100),
  "created_at" timestamp without time zone
);

alter table "public"."dim_users" add primary key ("user_key");

create unique index if not exists "dim_users_user_id_key" on "public"."dim_users" ("user_id");

comment on table "public"."dim_users" is 'One row for each user of the shop';

comment on column "public"."dim_users"."user_key" is 'Surrogate key';

comment on column "public"."dim_users"."city" is 'Where the user lives';

create table if not exists "public"."dim_products" (
  "product_key" bigint generated always as identity not null,
  "product_id" integer,
  "name" character varying(100),
  "category" character varying(50),
  "price" numeric(10,2),
  "price_band" text
);

alter table "public"."dim_products" add primary key ("product_key");

create unique index if not exists "dim_products_product_id_key" on "public"."dim_products" ("product_id");

comment on table "public"."dim_products" is 'One row for each product, discontinued ones included';

comment on column "public"."dim_products"."product_key" is 'Surrogate key';

comment on column "public"."dim_products"."price" is 'List price today';

create table if not exists "public"."fact_orders" (
  "order_date_key" integer not null,
  "user_key" bigint not null,
  "product_key" bigint not null,
  "order_id" integer,
  "quantity" integer,
  "total" numeric(12,2),
  "unit_price" numeric(12,2),
  "net_total" numeric(12,2),
  "vat" numeric(12,2)
);

alter table "public"."fact_orders" add primary key ("order_id");

comment on table "public"."fact_orders" is 'One row for each order';

comment on column "public"."fact_orders"."order_date_key" is 'Key of dim_date';

comment on column "public"."fact_orders"."user_key" is 'Key of dim_users';

comment on column "public"."fact_orders"."product_key" is 'Key of dim_products';

comment on column "public"."fact_orders"."total" is 'What the customer paid';
