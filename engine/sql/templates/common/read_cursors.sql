select
  {% if step.counts %}count(*) filter (where {{ step.counts | lacking }}){% else %}0{% endif %} as nulls,
  array[{% for one in step.cursors %}{% if one.forbidden %}count(*) filter (where {{ one.column | ident }} is null){% else %}0{% endif %}{% if not loop.last %}, {% endif %}{% endfor %}]::bigint[] as forbidden,
  array[
{% for one in step.cursors %}
    (max({{ one.column | ident }}{{ one.type | bytewise }}){{ one | believed }})::text{% if not loop.last %},{% endif %}

{% endfor %}
  ] as highest,
  {% if step.keys %}count(*) filter (where {{ step.keys | any_null("s") }}){% else %}null::bigint{% endif %} as keyless
from {{ step.stage | table }} as s
