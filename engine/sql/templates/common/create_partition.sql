create table {{ step.partition | table }} partition of {{ step.table | table }}
for values from ({{ step.low | literal }}) to ({{ step.high | literal }})
