drop table if exists {{ step.stage | table }}
