delete from {{ step.find.table | table }} as t
using {{ step.find.gone | table }} as g
where {{ step.find.match | equal("t", "g") }}
{% if step.find.lasting %}
  and not g."$kept"
{% endif %}
