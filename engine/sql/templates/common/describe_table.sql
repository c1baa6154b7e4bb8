comment on table {{ step.table | table }} is {{ step.description | literal }}
