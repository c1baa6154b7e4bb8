insert into {{ step.tree.table | table }} (ancestor_key, descendant_key, depth, is_top, is_leaf)
select c.ancestor_key, c.descendant_key, c.depth, c.is_top, c.is_leaf
from {{ step.tree.closure | table }} as c
left join {{ step.tree.table | table }} as t on t.descendant_key = c.descendant_key and t.ancestor_key = c.ancestor_key
where t.descendant_key is null
