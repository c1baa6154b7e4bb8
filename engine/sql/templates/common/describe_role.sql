comment on view {{ step.view | table }} is {{ step.description | literal }}
