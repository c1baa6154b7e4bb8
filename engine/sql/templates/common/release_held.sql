delete from {{ step.held | table }} as h
using {{ step.stage | table }} as s
where s."$held" = h."$held"
{% if step.rules %}
  and (s."$reject" is null or s."$reject" not in ({% for rule in step.rules %}{{ rule | literal }}{% if not loop.last %}, {% endif %}{% endfor %}))
{% endif %}
