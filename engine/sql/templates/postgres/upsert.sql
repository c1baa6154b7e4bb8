with s as materialized (
  select {{ step.rows.columns | columns("s") }}
  from {{ step.rows | rows }} as s
), t as (
  insert into {{ step.table | table }} as t ({{ step.rows.columns | columns }})
  select {{ step.rows.columns | columns("s") }}
  from s
  on conflict ({{ step.match | columns }}) do update set
{% for name in step.compare %}
    {{ name | ident }} = {{ name | column("excluded") }}{% if not loop.last %},{% endif %}

{% endfor %}
{% if step.stamps %}
    {{ step | stamps }}
{% endif %}
  where {{ step.compare | distinct(step.rows.types, "t", "excluded") }}
  returning xmax = 0 as is_new
)
select
  count(*) filter (where not is_new) as updated,
  count(*) filter (where is_new) as inserted,
  (select count(*) from s) as total
from t
