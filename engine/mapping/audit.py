"""The columns by which a row tells where it comes from and which run wrote it."""

from __future__ import annotations

from typing import NamedTuple

from engine.mapping.scalars import Plain
from engine.mapping.values import listed


class AuditColumn(NamedTuple):
    """A column that `audit` adds: its name in the table, its type in PostgreSQL, and what it means."""

    name: str
    type: str
    description: str


AUDIT_COLUMNS = {
    "run_id": AuditColumn("_run_id", "uuid", "The run that wrote the row last, as in engine.run"),
    "source": AuditColumn("_source", "text", "The connection that the row came from"),
    "loaded_at": AuditColumn(
        "_loaded_at", "timestamp with time zone", "When the run began that inserted the row"
    ),
    "updated_at": AuditColumn(
        "_updated_at", "timestamp with time zone", "When the run began that changed the row last"
    ),
}


def audited(data: Plain) -> tuple[str, ...]:
    """Return the words of the audit columns, in one order whichever way they are named."""
    if isinstance(data, bool):
        return tuple(AUDIT_COLUMNS) if data else ()
    named = listed(data)
    return tuple(word for word in AUDIT_COLUMNS if word in named)
