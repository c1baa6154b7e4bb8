drop view if exists {{ step.view | table }}
