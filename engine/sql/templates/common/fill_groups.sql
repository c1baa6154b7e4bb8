create unlogged table {{ step.stage | table }} as
select
{% for group in step.by %}
  f."${{ loop.index0 | literal }}" as {{ group.name | ident }},
{% endfor %}
{% for value in step.values %}
  {{ value | value }} as {{ value.name | ident }}{% if not loop.last %},{% endif %}

{% endfor %}
from (
  select f.*{% for group in step.by %}, {% if group.table %}d{{ loop.index0 | literal }}.{% else %}f.{% endif %}{{ group.of | ident }} as "${{ loop.index0 | literal }}"{% endfor %}

  from {{ step.fact | table }} as f
{% for group in step.by %}
{% if group.table %}
  left join {{ group.table | table }} as d{{ loop.index0 | literal }} on d{{ loop.index0 | literal }}.{{ group.key | ident }} = {{ group.lookup | column("f") }}
{% endif %}
{% endfor %}
{% if step.deleted %}
  where not {{ step.deleted | column("f") }}
{% endif %}
) as f
group by {% for group in step.by %}f."${{ loop.index0 | literal }}"{% if not loop.last %}, {% endif %}{% endfor %}
