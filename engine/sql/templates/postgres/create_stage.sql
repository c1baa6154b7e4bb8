create unlogged table {{ step.stage | table }} (
{% for column in step.columns %}
  {{ column | definition }},
{% endfor %}
  "$reject" text
)
