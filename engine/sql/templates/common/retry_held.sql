insert into {{ step.stage | table }} ({{ step.columns | columns }}, "$held", "$since")
select {{ step.columns | columns("h") }}, h."$held", h."$since"
from {{ step.held | table }} as h
