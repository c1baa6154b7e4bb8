"""The columns that the engine keeps in a table beside those of the mapping, where a word asks for them."""

from __future__ import annotations

from engine.mapping.model import Deletes, Dimension, Entry

IS_DELETED = "is_deleted"
DELETED_AT = "deleted_at"
IS_INFERRED = "is_inferred"
INFERRED_AT = "inferred_at"


def deletes_of(entry: Entry) -> Deletes | None:
    """Return what an entry says about rows that are gone, None where they stay as they are."""
    deletes = entry.source.deletes if entry.source else None
    return None if deletes is None or deletes.policy == "ignore" else deletes


def policy_of(entry: Entry) -> str:
    """Return what becomes of rows that are gone; nothing where they stay, or where the load says it."""
    deletes = deletes_of(entry)
    return deletes.policy if deletes and entry.load != "replace" else ""


def deleted_flag(entry: Entry) -> str:
    """Return the column that is true for rows which the source no longer has, empty where there is none."""
    return IS_DELETED if IS_DELETED in owned_names(entry) else ""


def owned_names(entry: Entry) -> tuple[str, ...]:
    """Return the names of the columns by which an entry says which rows are gone from the source."""
    policy = policy_of(entry)
    if policy == "flag" or (policy == "remove" and isinstance(entry, Dimension)):
        return (IS_DELETED, DELETED_AT)
    return (DELETED_AT,) if policy == "close" else ()
