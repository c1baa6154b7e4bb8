insert into {{ step.line.table | table }} ({{ step.columns | columns }})
select {{ step.columns | columns("v") }}
from {{ step.line.versions | table }} as v
where v."$key" is null
order by {{ step.line.match | columns("v") }}, v.changed_at
