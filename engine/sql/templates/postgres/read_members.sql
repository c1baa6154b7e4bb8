select {{ step.table | version }} as version, {{ step.table | settled }} as settled,
  m.ordinal, m.natural_key, m.member
from (select 1) as always
left join (
  select w.ordinal, array[{{ step.natural_key | texts("t") }}] as natural_key,
    (select row_to_json(r) from (select {{ step.columns | columns("t") }}) as r)::text as member
  from {{ step | wanted("w") }}
  join {{ step.table | table }} as t on {{ step | meant("t", "w") }}{% if step.current %} and {{ step.current | column("t") }}{% endif %}

) as m on true
