"""What to do: the steps of a run as values, built from the mapping and what the databases said."""
