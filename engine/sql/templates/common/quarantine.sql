insert into engine.reject (run_id, mapping, entry, rule, reason, place, row, row_hash)
select
  current_setting('engine.run_id')::uuid, {{ step.mapping | literal }}, {{ step.entry | literal }},
  r.rule, r.reason, r.place, to_jsonb(k), md5(to_jsonb(k)::text)
from {{ step.stage | table }} as s
cross join lateral (select {{ step.columns | kept("s") }}) as k
join (values
{% for rule in step.rules %}
  ({{ rule.path | literal }}, {{ rule.text | literal }}, {{ rule.place | literal }}){% if not loop.last %},{% endif %}

{% endfor %}
) as r (rule, reason, place) on r.rule = s."$reject"
on conflict (mapping, entry, rule, row_hash) do nothing
