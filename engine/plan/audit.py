"""Audit columns: defaults give them to a row that is new, steps that change a row give them anew.

As defaults they are right whichever statement inserts. They take no part in any comparison, so that a row
that is as it was stays untouched; rows that were there before `audit` was said have none until they change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.mapping.audit import AUDIT_COLUMNS
from engine.mapping.model import Entry, Star
from engine.plan.steps import ColumnDefinition, Rows, SetDefault, Step, Table, Value
from engine.plan.world import TableState

# Spelled as PostgreSQL spells them, so that a look at the table tells whether it has them.
RUN = "(NULLIF(current_setting('engine.run_id'::text, true), ''::text))::uuid"
NOW = "now()"
OF_A_CHANGE = ("run_id", "updated_at")
NAMES = frozenset(column.name for column in AUDIT_COLUMNS.values())


def audit_definitions(entry: Entry) -> tuple[ColumnDefinition, ...]:
    """Return the audit columns of an entry's table."""
    source = entry.source.connection if entry.source else "engine"
    computed = {"run_id": RUN, "source": f"'{source}'::text", "loaded_at": NOW, "updated_at": NOW}
    return tuple(
        ColumnDefinition(*AUDIT_COLUMNS[word], computed=computed[word]) for word in entry.audit
    )


def default_steps(entry: Entry, table: Table, state: TableState) -> Iterator[Step]:
    """Plan the defaults of audit columns; rows that are there keep what they have."""
    wanted = audit_definitions(entry)
    for column in wanted:
        # The source alone can be another one than before.
        if column.name not in state.defaults or (
            column.type == "text" and state.defaults[column.name] != column.computed
        ):
            yield SetDefault(entry=entry.name, table=table, column=column)
    names = {column.name for column in wanted}
    for name in state.defaults:
        if name in NAMES and name not in names:
            gone = ColumnDefinition(name, state.columns[name])
            yield SetDefault(entry=entry.name, table=table, column=gone)


def with_audit(own: Rows, entry: Entry) -> Rows:
    """Return rows with their audit columns, for a table that is made of them."""
    audit = (Value(c.name, c.type, c.computed) for c in audit_definitions(entry))
    return replace(own, values=(*own.values, *audit))


def stamped(star: Star, step: Step) -> Step:
    """Let a step that changes rows say when and in which run, where their table has such columns."""
    if not step.changes:
        return step
    entries = {entry.name: entry for entry in star.entries}
    stamps = tuple(
        (AUDIT_COLUMNS[word].name, RUN if word == "run_id" else NOW)
        for word in entries[step.changes].audit
        if word in OF_A_CHANGE
    )
    return replace(step, stamps=stamps)
