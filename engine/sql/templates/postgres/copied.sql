{% for where in step | branches %}
{% if not loop.first %}
union all
{% endif %}
select {% for column in step.columns %}{{ column | staged }}{% if not loop.last %}, {% endif %}{% endfor %}

from {{ step | asked }} as q
{{ where }}
{% endfor %}
