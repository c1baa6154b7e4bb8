analyze {{ step.tree.links | table }}
