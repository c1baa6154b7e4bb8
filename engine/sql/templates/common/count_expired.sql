select count(*) from {{ step.partition | table }}
