insert into {{ step.stage | table }} ({{ step.columns | columns }})
select {{ step.columns | columns("c") }}
from (
  select
    to_char(d, 'YYYYMMDD')::integer as {{ step.key | ident }},
    d as date,
    extract(year from d)::integer as year,
    extract(quarter from d)::smallint as quarter,
    extract(month from d)::smallint as month,
    m.name as month_name,
    extract(week from d)::smallint as week,
    extract(isoyear from d)::integer as iso_year,
    extract(day from d)::smallint as day,
    (1 + (extract(isodow from d)::integer - {{ step.first_day | literal }} + 7) % 7)::smallint as day_of_week,
    w.name as day_name,
    extract(doy from d)::smallint as day_of_year,
    d - (extract(isodow from d)::integer - {{ step.first_day | literal }} + 7) % 7 as week_start,
    date_trunc('month', d)::date as month_start,
    extract(isodow from d) in (6, 7) as is_weekend,
    f.year as fiscal_year,
    f.quarter as fiscal_quarter,
    f.month as fiscal_month,
    m.short as month_short,
    w.short as day_short,
    to_char(d, 'YYYY-"Q"Q') as quarter_label,
    to_char(d, 'YYYY-MM') as month_label,
    to_char(d, 'IYYY-"W"IW') as week_label,
    (date_trunc('month', d) + interval '1 month - 1 day')::date as month_end,
    extract(month from d + 1) <> extract(month from d) as is_month_end,
    extract(quarter from d + 1) <> extract(quarter from d) as is_quarter_end,
    extract(year from d + 1) <> extract(year from d) as is_year_end,
    extract(isodow from d) < 6 as is_weekday,
{% if step.holidays %}
    extract(isodow from d) < 6 and h.name is null as is_workday,
    h.name is not null as is_holiday,
    h.name as holiday_name,
{% else %}
    extract(isodow from d) < 6 as is_workday,
    false as is_holiday,
    null::text as holiday_name,
{% endif %}
    'FY' || f.year || '-Q' || f.quarter as fiscal_quarter_label,
    'FY' || f.year || '-P' || to_char(f.month, 'FM00') as fiscal_period,
    f.week as fiscal_week
  from (
    select g::date as d
    from generate_series({{ step.calendar.start | literal }}::timestamp, {{ step.calendar.end | literal }}::timestamp, interval '1 day') as g
  ) as days
  join (values
{{ step.months | listed }}
  ) as m (number, name, short) on m.number = extract(month from d)
  join (values
{{ step.days | listed }}
  ) as w (number, name, short) on w.number = extract(isodow from d)
{% if step.holidays %}
  left join (values
{{ step.holidays | listed }}
  ) as h (day, name) on h.day::date = d
{% endif %}
  cross join lateral (
{% if step.ends %}
    select
      y.year,
      least(4, 1 + y.weeks / 13)::smallint as quarter,
      (3 * least(3, y.weeks / 13) + case
        when y.weeks >= 52 then 3
        when y.weeks % 13 < {{ step.ends[0] | literal }} then 1
        when y.weeks % 13 < {{ step.ends[1] | literal }} then 2
        else 3
      end)::smallint as month,
      (1 + y.weeks)::smallint as week
    from (
      select
        s.year + case when {{ step.calendar.fiscal_year_starts | literal }} > 1 then 1 else 0 end as year,
        (d - s.start) / 7 as weeks
      from (
        select n.year, n.fourth - (extract(isodow from n.fourth)::integer - {{ step.first_day | literal }} + 7) % 7 as start
        from (
          select extract(year from d)::integer + o as year,
            make_date(extract(year from d)::integer + o, {{ step.calendar.fiscal_year_starts | literal }}, 4) as fourth
          from generate_series(-1, 1) as o
        ) as n
      ) as s
      where s.start <= d
      order by s.start desc
      limit 1
    ) as y
{% else %}
    select
      (extract(year from d) + case when {{ step.calendar.fiscal_year_starts | literal }} > 1 and extract(month from d) >= {{ step.calendar.fiscal_year_starts | literal }} then 1 else 0 end)::integer as year,
      (1 + (extract(month from d)::integer - {{ step.calendar.fiscal_year_starts | literal }} + 12) % 12 / 3)::smallint as quarter,
      (1 + (extract(month from d)::integer - {{ step.calendar.fiscal_year_starts | literal }} + 12) % 12)::smallint as month,
      null::smallint as week
{% endif %}
  ) as f
) as c
