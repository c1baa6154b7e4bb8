drop table {{ step.partition | table }}
