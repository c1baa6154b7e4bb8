explain (format json)
{% set step = step.copy %}
{% include "copied.sql" %}
