select count(*) from {{ step.tree.links | table }} where orphan
