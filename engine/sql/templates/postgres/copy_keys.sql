{% include "copy.sql" %}
