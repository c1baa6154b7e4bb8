create unlogged table {{ step.tree.closure | table }} as
with recursive
{% if step.warn %}
reached as (
  select member, parent from {{ step.tree.links | table }} where parent is null
  union all
  select l.member, l.parent from reached as r join {{ step.tree.links | table }} as l on l.parent = r.member
),
{% endif %}
link as materialized (
  select l.member, {% if step.warn %}r.parent{% else %}l.parent{% endif %}, b.parent is null as is_leaf
  from {{ step.tree.links | table }} as l
{% if step.warn %}
  left join reached as r on r.member = l.member
  left join (select distinct parent from reached) as b on b.parent = l.member
{% else %}
  left join (select distinct parent from {{ step.tree.links | table }}) as b on b.parent = l.member
{% endif %}
),
closure as (
  select member as ancestor, member as descendant, 0 as depth, parent as above, is_leaf from link
  union all
  select l.member, c.descendant, c.depth + 1, l.parent, c.is_leaf
  from closure as c join {% if step.warn %}link{% else %}{{ step.tree.links | table }}{% endif %} as l on l.member = c.above
)
select ancestor as ancestor_key, descendant as descendant_key, depth, above is null as is_top, is_leaf from closure
