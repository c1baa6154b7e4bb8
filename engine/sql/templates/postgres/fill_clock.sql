insert into {{ step.stage | table }} ({{ step.columns | columns }})
select {{ step.columns | columns("c") }}
from (
  select
    to_char(t, 'HH24MISS')::integer as {{ step.key | ident }},
    t::time as time,
    extract(hour from t)::smallint as hour,
    extract(minute from t)::smallint as minute,
    extract(second from t)::smallint as second,
    to_char(t, 'FMHH12')::smallint as hour_12,
    to_char(t, 'AM') as am_pm,
    p.name as day_part,
    to_char(t, {{ step.label | literal }}) as label
  from generate_series(timestamp '2000-01-01', timestamp '2000-01-01 23:59:59', {{ step.step | typed("interval") }}) as t
  join (values
{{ step.parts | listed }}
  ) as p (low, high, name) on p.low::time <= t::time and t::time < p.high::time
) as c
