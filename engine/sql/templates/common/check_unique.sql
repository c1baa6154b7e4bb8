select coalesce(sum(copies) filter (where copies > 1), 0) as failed, coalesce(sum(copies), 0) as total
from (
  select count(*) as copies
  from {{ step.table | table }} as t
  where {{ step.columns | no_null("t") }}
    and {{ step | present("t") }}
{% if step.current %}
    and {{ step.current | column("t") }}
{% endif %}
{% if step.rows %}
    and ({{ step.columns | columns("t") }}) in (
      select {{ step.columns | columns("b") }} from {{ step.table | table }} as b
      join {{ step.rows | rows }} as s on {{ step.match | equal("b", "s") }}
    )
{% endif %}
  group by {{ step.columns | columns("t") }}
) as groups
