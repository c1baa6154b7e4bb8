create unique index if not exists {{ step.name | ident }} on {{ step.table | table }} ({{ step.columns | columns }})
{%- if step.where %} where {{ step.where | ident }}{% endif %}
