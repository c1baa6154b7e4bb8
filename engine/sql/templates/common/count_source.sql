select count(*) from {{ step.query | query }} as q
{{ step | window }}
