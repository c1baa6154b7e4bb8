select
  (select count(*) from {{ step.find.gone | table }}{% if step.find.lasting %} where not "$known"{% endif %}) as failed,
  (select count({% if step.find.lasting %}distinct ({{ step.find.match | columns("t") }}){% else %}*{% endif %}) from {{ step.find.table | table }} as t where true
{% if step.find.key %}
    and {{ step.find.key | column("t") }} > 0
{% endif %}
{% for name in step.find.alive %}
    and {{ name | column("t") }}
{% endfor %}
{% for name in step.find.dead %}
    and not {{ name | column("t") }}
{% endfor %}
{% if step.find.within %}
    and {{ step.find.within | within("t") }}
{% endif %}
{% if step.find.lasting %}
    and not {{ step.find.lasting | column("t") }}
{% endif %}
  ) as total
