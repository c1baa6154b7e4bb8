copy (
{% include "copied.sql" %}
) to stdout (format binary)
