drop index if exists {{ step.index | table }}
