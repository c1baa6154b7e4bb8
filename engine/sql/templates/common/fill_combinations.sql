create unlogged table {{ step.stage | table }} as
{% for part in step.parts %}
select distinct {{ part.columns | columns("s") }} from {{ part | rows }} as s
{% if not loop.last %}
union
{% endif %}
{% endfor %}
