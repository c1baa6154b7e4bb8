analyze {{ step.table | table }}
