alter table {{ step.table | table }} add primary key ({{ step.columns | columns }})
{%- for name in step.not_null %},
  alter column {{ name | ident }} set not null
{%- endfor %}
