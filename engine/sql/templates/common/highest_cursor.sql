{% if step.type in ("text", "character varying", "bpchar") %}
select max({{ step.column | ident }} collate "C")::text from {{ step.stage | table }}
{% else %}
select max({{ step.column | ident }})::text from {{ step.stage | table }}
{% endif %}
{% if step.limit %}
where {{ step.column | ident }} < {{ step.limit | typed(step.type) }}
{% endif %}
