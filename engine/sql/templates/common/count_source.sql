select count(*) from {{ step | asked }} as q
{{ step | window }}
