create table if not exists {{ step.table | table }} (
{% for column in step.columns %}
  {{ column | definition }}{% if not loop.last %},{% endif %}

{% endfor %}
)
{%- if step.partition_by %} partition by range ({{ step.partition_by | ident }}){% endif %}
