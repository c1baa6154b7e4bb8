insert into {{ step.held | table }} ({{ step.columns | columns }}, "$since", "$rule")
select {{ step.columns | columns("s") }}, coalesce(s."$since", now()), s."$reject"
from {{ step.stage | table }} as s
where s."$held" is null
  and s."$reject" in ({% for rule in step.rules %}{{ rule | literal }}{% if not loop.last %}, {% endif %}{% endfor %})
