"""Loads a star schema that is described in YAML, from PostgreSQL into PostgreSQL.

The package reads as a sentence: mapping → plan → sql → database → run → report. `mapping` says what
is wanted (a checked YAML file as frozen values), `plan` turns that and the progress so far into
steps, `sql` says each step as one statement, `database` is whom to say it to (source, warehouse, the
pipe between them, the ledger), `run` does it, and `report` tells what happened. `cli` wires these
parts together and chooses the exit code. Below them stand `errors`, `logs`, `settings` and `retry`.
Read in that order; a file imports only from floors below its own, which `make lint` holds.
"""

__version__ = "0.1.0"
