delete from {{ step.table | table }}
