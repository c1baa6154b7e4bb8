create unique index if not exists {{ step.name | ident }} on {{ step.table | table }} (
{% for name in step.columns %}
  (array[{{ name | ident }}]){% if not loop.last %},{% endif %}

{% endfor %}
)
