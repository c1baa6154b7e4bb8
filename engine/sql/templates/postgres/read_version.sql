select {{ step.table | version }} as version, {{ step.table | settled }} as settled
