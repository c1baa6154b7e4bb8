alter table {{ step.table | table }} add constraint {{ step.name | ident }} exclude using gist (
{% for name, range in step.keys %}
  {% if range %}{{ range | type }}({{ name | ident }}, {{ name | ident }}, '[]'){% else %}{{ name | ident }}{% endif %} with =,
{% endfor %}
  {{ step.period | type }}({{ step.low | ident }}, {{ step.high | ident }}) with &&
) where ({{ step.key | ident }} > 0) deferrable initially deferred
