-- dim_day: fill calendar
insert into "engine_stage"."shop.dim_day" ("day_key", "date", "year", "quarter", "month", "month_name", "week", "iso_year", "day", "day_of_week", "day_name", "day_of_year", "week_start", "month_start", "is_weekend", "fiscal_year", "fiscal_quarter", "fiscal_month", "month_short", "day_short", "quarter_label", "month_label", "week_label", "month_end", "is_month_end", "is_quarter_end", "is_year_end", "is_weekday", "is_workday", "fiscal_quarter_label", "fiscal_period", "is_holiday", "holiday_name", "fiscal_week")
select c."day_key", c."date", c."year", c."quarter", c."month", c."month_name", c."week", c."iso_year", c."day", c."day_of_week", c."day_name", c."day_of_year", c."week_start", c."month_start", c."is_weekend", c."fiscal_year", c."fiscal_quarter", c."fiscal_month", c."month_short", c."day_short", c."quarter_label", c."month_label", c."week_label", c."month_end", c."is_month_end", c."is_quarter_end", c."is_year_end", c."is_weekday", c."is_workday", c."fiscal_quarter_label", c."fiscal_period", c."is_holiday", c."holiday_name", c."fiscal_week"
from (
  select
    to_char(d, 'YYYYMMDD')::integer as "day_key",
    d as date,
    extract(year from d)::integer as year,
    extract(quarter from d)::smallint as quarter,
    extract(month from d)::smallint as month,
    m.name as month_name,
    extract(week from d)::smallint as week,
    extract(isoyear from d)::integer as iso_year,
    extract(day from d)::smallint as day,
    (1 + (extract(isodow from d)::integer - 7 + 7) % 7)::smallint as day_of_week,
    w.name as day_name,
    extract(doy from d)::smallint as day_of_year,
    d - (extract(isodow from d)::integer - 7 + 7) % 7 as week_start,
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
    extract(isodow from d) < 6 and h.name is null as is_workday,
    h.name is not null as is_holiday,
    h.name as holiday_name,
    'FY' || f.year || '-Q' || f.quarter as fiscal_quarter_label,
    'FY' || f.year || '-P' || to_char(f.month, 'FM00') as fiscal_period,
    f.week as fiscal_week
  from (
    select g::date as d
    from generate_series('2024-12-20'::timestamp, '2025-01-20'::timestamp, interval '1 day') as g
  ) as days
  join (values
(1, 'janvier', 'janv.'),
(2, 'février', 'févr.'),
(3, 'mars', 'mars'),
(4, 'avril', 'avr.'),
(5, 'mai', 'mai'),
(6, 'juin', 'juin'),
(7, 'juillet', 'juil.'),
(8, 'août', 'août'),
(9, 'septembre', 'sept.'),
(10, 'octobre', 'oct.'),
(11, 'novembre', 'nov.'),
(12, 'décembre', 'déc.')
  ) as m (number, name, short) on m.number = extract(month from d)
  join (values
(1, 'lundi', 'lun.'),
(2, 'mardi', 'mar.'),
(3, 'mercredi', 'mer.'),
(4, 'jeudi', 'jeu.'),
(5, 'vendredi', 'ven.'),
(6, 'samedi', 'sam.'),
(7, 'dimanche', 'dim.')
  ) as w (number, name, short) on w.number = extract(isodow from d)
  left join (values
('2024-12-25', 'Erster Weihnachtstag'),
('2024-12-26', 'Zweiter Weihnachtstag'),
('2025-01-01', 'Neujahr'),
('2025-01-06', 'Heilige Drei Könige')
  ) as h (day, name) on h.day::date = d
  cross join lateral (
    select
      y.year,
      least(4, 1 + y.weeks / 13)::smallint as quarter,
      (3 * least(3, y.weeks / 13) + case
        when y.weeks >= 52 then 3
        when y.weeks % 13 < 4 then 1
        when y.weeks % 13 < 9 then 2
        else 3
      end)::smallint as month,
      (1 + y.weeks)::smallint as week
    from (
      select
        s.year + case when 2 > 1 then 1 else 0 end as year,
        (d - s.start) / 7 as weeks
      from (
        select n.year, n.fourth - (extract(isodow from n.fourth)::integer - 7 + 7) % 7 as start
        from (
          select extract(year from d)::integer + o as year,
            make_date(extract(year from d)::integer + o, 2, 4) as fourth
          from generate_series(-1, 1) as o
        ) as n
      ) as s
      where s.start <= d
      order by s.start desc
      limit 1
    ) as y
  ) as f
) as c;

