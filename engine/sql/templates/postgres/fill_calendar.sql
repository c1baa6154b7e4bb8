insert into {{ step.stage | table }} ({{ step.columns | columns }})
select {{ step.columns | columns("c") }}
from (
  select
    to_char(d, 'YYYYMMDD')::integer as {{ step.key | ident }},
    d as date,
    extract(year from d)::integer as year,
    extract(quarter from d)::smallint as quarter,
    extract(month from d)::smallint as month,
    to_char(d, 'FMMonth') as month_name,
    extract(week from d)::smallint as week,
    extract(isoyear from d)::integer as iso_year,
    extract(day from d)::smallint as day,
    (1 + (extract(isodow from d)::integer - {{ step.first_day | literal }} + 7) % 7)::smallint as day_of_week,
    to_char(d, 'FMDay') as day_name,
    extract(doy from d)::smallint as day_of_year,
    d - (extract(isodow from d)::integer - {{ step.first_day | literal }} + 7) % 7 as week_start,
    date_trunc('month', d)::date as month_start,
    extract(isodow from d) in (6, 7) as is_weekend,
    (extract(year from d) + case when {{ step.calendar.fiscal_year_starts | literal }} > 1 and extract(month from d) >= {{ step.calendar.fiscal_year_starts | literal }} then 1 else 0 end)::integer as fiscal_year,
    (1 + (extract(month from d)::integer - {{ step.calendar.fiscal_year_starts | literal }} + 12) % 12 / 3)::smallint as fiscal_quarter,
    (1 + (extract(month from d)::integer - {{ step.calendar.fiscal_year_starts | literal }} + 12) % 12)::smallint as fiscal_month
  from (
    select g::date as d
    from generate_series({{ step.calendar.start | literal }}::timestamp, {{ step.calendar.end | literal }}::timestamp, interval '1 day') as g
  ) as days
) as c
