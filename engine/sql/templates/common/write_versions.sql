with written as (
  update {{ step.line.table | table }} as t set
{% for name in step.columns %}
    {{ name | ident }} = {{ name | column("v") }},
{% endfor %}
{% if step.line.infers %}
    is_inferred = false,
{% if "confirmed_at" not in step.columns %}
    confirmed_at = case when t.is_inferred then v.confirmed_at else t.confirmed_at end,
{% endif %}
{% endif %}
{% if step.line.closes %}
    deleted_at = v.deleted_at,
{% endif %}
    valid_from = v.valid_from,
    valid_to = v.valid_to,
    is_current = v.is_current
{% if step.stamps %}
    {{ step | stamps }}
{% endif %}
  from {{ step.line.versions | table }} as v
  where {{ step.line.key | column("t") }} = v."$key" and (v."$closed" or v."$written")
  returning v."$closed"
)
select count(*) from written where "$closed"
