select count(*) from {{ step.query | query }} as q where {{ step.column | column("q") }} is null{% for name in step.further %} and {{ name | column("q") }} is null{% endfor %}
