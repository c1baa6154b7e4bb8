create or replace view {{ step.view | table }} as
select {{ step.key | column("d") }} as {{ step.column | ident }}{% for name in step.others %}, {{ name | column("d") }}{% endfor %}

from {{ step.table | table }} as d
