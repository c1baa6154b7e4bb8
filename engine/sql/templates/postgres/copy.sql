copy (
select {% for column in step.columns %}{{ column | staged }}{% if not loop.last %}, {% endif %}{% endfor %}

from {{ step.query | query }} as q
{% if step.window and step.window.low is not none %}
where {{ step.window | newer("q") }}
{% elif step.window and not step.window.nulls %}
where {{ step.window.column | column("q") }} is not null
{% endif %}
) to stdout (format binary)
