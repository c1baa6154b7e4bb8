-- : create schema
create schema if not exists "mart";

-- dim_day: create table
create table if not exists "mart"."dim_day" (
  "day_key" integer not null,
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

-- dim_day: add primary key
alter table "mart"."dim_day" add primary key ("day_key");

-- dim_day: add unique index
create unique index if not exists "dim_day_date_key" on "mart"."dim_day" ("date");

-- dim_day: describe column
comment on column "mart"."dim_day"."day_key" is 'Key of the day, as a number: 20260131';

-- dim_user: create table
create table if not exists "mart"."dim_user" (
  "user_key" bigint generated always as identity not null,
  "country" text,
  "user_id" integer,
  "name" character varying(50),
  "Weird ""Name""" character varying(10),
  "settings" json
);

-- dim_user: add primary key
alter table "mart"."dim_user" add primary key ("user_key");

-- dim_user: add unique index
create unique index if not exists "dim_user_country_user_id_key" on "mart"."dim_user" ("country", "user_id");

-- dim_user: describe table
comment on table "mart"."dim_user" is 'It''s a user';

-- dim_user: describe column
comment on column "mart"."dim_user"."user_key" is 'Surrogate key';

-- fact_sale: create table
create table if not exists "mart"."fact_sale" (
  "day_key" integer not null,
  "user_key" bigint not null,
  "seller_key" bigint not null,
  "sale_id" bigint,
  "total" numeric(12,2)
);

-- fact_sale: add primary key
alter table "mart"."fact_sale" add primary key ("sale_id");

-- fact_sale: describe column
comment on column "mart"."fact_sale"."day_key" is 'Key of dim_day';

-- fact_sale: describe column
comment on column "mart"."fact_sale"."user_key" is 'Key of dim_user';

-- fact_sale: describe column
comment on column "mart"."fact_sale"."seller_key" is 'Key of dim_user';

