with recursive reached as (
  select member from {{ step.tree.links | table }} where parent is null
  union all
  select l.member from reached as r join {{ step.tree.links | table }} as l on l.parent = r.member
)
select (select count(*) from {{ step.tree.links | table }}) - (select count(*) from reached)
