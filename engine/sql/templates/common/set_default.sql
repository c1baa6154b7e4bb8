alter table {{ step.table | table }} alter column {{ step.column.name | ident }} {% if step.column.computed %}set default {{ step.column.computed | computed }}{% else %}drop default{% endif %}
