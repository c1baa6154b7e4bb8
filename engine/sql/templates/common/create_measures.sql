create or replace view {{ step.view | table }} ({{ step.columns | columns }}) as
values
{% for row in step.told %}
  ({% for text in row %}{{ text | typed("text") }}{% if not loop.last %}, {% endif %}{% endfor %}){% if not loop.last %},{% endif %}

{% endfor %}
