update {{ step.tree.table | table }} as t set depth = c.depth, is_top = c.is_top, is_leaf = c.is_leaf
from {{ step.tree.closure | table }} as c
where c.descendant_key = t.descendant_key and c.ancestor_key = t.ancestor_key
  and (t.depth, t.is_top, t.is_leaf) is distinct from (c.depth, c.is_top, c.is_leaf)
