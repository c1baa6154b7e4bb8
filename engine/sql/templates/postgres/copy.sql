copy (
select {% for column in step.columns %}{{ column | staged }}{% if not loop.last %}, {% endif %}{% endfor %}

from {{ step.query | query }} as q
{{ step | window }}
) to stdout (format binary)
