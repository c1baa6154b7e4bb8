create unlogged table {{ step.filled | table }} as
select {% for member in step.members %}{{ member.key | column("m" ~ loop.index0) }} as {{ member.column | ident }}, {% endfor %}{{ step.made.columns | columns("v") }}
from {{ step | made_up }} as v
{% for member in step.members %}
{% set m = "m" ~ loop.index0 %}
join {{ member.table | table }} as m{{ loop.index0 | literal }} on {{ member.key | column(m) }} > {{ member.above | literal }}
{% if member.deletes %}
  and not {{ "is_deleted" | column(m) }}
{% endif %}
{% if member.as_of %}
  and {{ "valid_from" | column(m) }} <= {{ member.time | column("v") }} and {{ member.time | column("v") }} < {{ "valid_to" | column(m) }}
{% elif member.history %}
  and {{ "is_current" | column(m) }}
{% endif %}
{% endfor %}
where not exists (
  select from {{ step.rows | rows }} as s
{% for member in step.members %}
{% if member.natural_key %}
  join {{ member.table | table }} as k{{ loop.index0 | literal }} on {{ member.key | column("k" ~ loop.index0) }} = {{ member.column | column("s") }}
{% endif %}
{% endfor %}
  where {{ [step.periods.column] | equal("s", "v") }}
{% for member in step.members %}
{% if member.natural_key %}
    and {{ member.natural_key | equal("k" ~ loop.index0, "m" ~ loop.index0) }}
{% else %}
    and {{ member.column | column("s") }} = {{ member.key | column("m" ~ loop.index0) }}
{% endif %}
{% endfor %}
)
