{{ config(materialized='table', indexes=[{'columns': ['date_key'], 'unique': true},
                                         {'columns': ['date'], 'unique': true}]) }}

select to_char(d, 'YYYYMMDD')::integer as date_key,
       d::date as date,
       extract(year from d)::integer as year,
       extract(quarter from d)::smallint as quarter,
       extract(month from d)::smallint as month,
       to_char(d, 'FMMonth') as month_name,
       extract(week from d)::smallint as week,
       extract(isoyear from d)::integer as iso_year,
       extract(day from d)::smallint as day,
       extract(isodow from d)::smallint as day_of_week,
       to_char(d, 'FMDay') as day_name,
       extract(doy from d)::smallint as day_of_year,
       date_trunc('week', d)::date as week_start,
       date_trunc('month', d)::date as month_start,
       extract(isodow from d) > 5 as is_weekend,
       extract(year from d + interval '9 months')::integer as fiscal_year,
       extract(quarter from d - interval '3 months')::smallint as fiscal_quarter,
       extract(month from d - interval '3 months')::smallint as fiscal_month
from generate_series(timestamp '2020-01-01', '2030-12-31', '1 day') as d
union all
select -1, null, null, null, null, 'Unknown', null, null, null, null, 'Unknown',
       null, null, null, null, null, null, null
