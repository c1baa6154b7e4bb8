delete from {{ step.tree.table | table }} as t
where not exists (
  select from {{ step.tree.closure | table }} as c
  where c.descendant_key = t.descendant_key and c.ancestor_key = t.ancestor_key
)
