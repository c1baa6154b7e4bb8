drop view {{ step.view | table }}
