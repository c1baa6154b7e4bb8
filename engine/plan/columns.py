"""The columns of an entry's table: keys, its own, and those that the engine keeps in it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.mapping.history import HISTORY_COLUMNS, IS_CURRENT, VALID_TO
from engine.mapping.measures import described
from engine.mapping.model import Dimension, Entry, Lookup, Star
from engine.mapping.owned import DELETED_AT, INFERRED_AT, IS_DELETED, IS_INFERRED, owned_names
from engine.plan.audit import audit_definitions
from engine.plan.shape import column_types, key_type, time_type, unknown_key
from engine.plan.steps import ColumnDefinition
from engine.plan.world import World, infers, state_of


def definitions(star: Star, entry: Entry, world: World) -> tuple[ColumnDefinition, ...]:
    """Return the columns of an entry's table: keys first, then the others in the order of the file."""
    types = column_types(entry, world)
    keys = [_lookup_definition(star, entry, lookup) for lookup in entry.lookups]
    if isinstance(entry, Dimension):
        own_key = ColumnDefinition(
            entry.key,
            key_type(entry),
            _key_description(entry),
            identity=entry.generated is None,
            not_null=True,
        )
        keys.insert(0, own_key)
        if entry.durable_key:
            about = "Durable key: all versions of a member share it"
            keys.insert(1, ColumnDefinition(entry.durable_key, "bigint", about))
    own = [ColumnDefinition(c.name, types[c.name], described(c)) for c in entry.columns]
    if isinstance(entry, Dimension) and entry.history:
        own += history_definitions(entry, world)
    return (*keys, *own, *owned_definitions(entry, world), *audit_definitions(entry))


def numbered(dimension: Dimension, world: World) -> str:
    """Return the key that the first rows of a dimension are numbered with in one go, or an empty name.

    A table that is there, even if it is empty, may have given keys that are not to be given again.
    """
    known = state_of(dimension, world).exists or dimension.generated
    return "" if known else dimension.key


def _lookup_definition(star: Star, entry: Entry, lookup: Lookup) -> ColumnDefinition:
    """Return a key column; a member of a dimension that comes from no row has the unknown key there."""
    dimension = star.dimension(lookup.dimension)
    default = unknown_key(dimension) if isinstance(entry, Dimension) else None
    return ColumnDefinition(
        lookup.column,
        key_type(dimension),
        lookup.description or f"Key of {lookup.dimension}",
        not_null=default is not None or not isinstance(entry, Dimension),
        default=default,
    )


def _key_description(dimension: Dimension) -> str:
    if dimension.calendar:
        return "Key of the day, as a number: 20260131"
    return "Key of the time of day, as a number: 93000" if dimension.clock else "Surrogate key"


def owned_definitions(entry: Entry, world: World) -> Iterator[ColumnDefinition]:
    """Return the columns that say what has become of a row."""
    names = owned_names(entry)
    if IS_DELETED in names:
        text = "Whether the source no longer has the row"
        yield ColumnDefinition(IS_DELETED, "boolean", text, not_null=True, default=False)
    if DELETED_AT in names:
        closed = isinstance(entry, Dimension) and IS_DELETED not in names
        type_ = time_type(entry, world) if closed else "timestamp with time zone"
        text = (
            "When the version ended, as the source no longer had the member"
            if closed
            else "The time of the run that found the row gone from the source"
        )
        yield ColumnDefinition(DELETED_AT, type_, text)
    if infers(entry, world):
        text = "Whether a fact has made the member, and no row of the source is known yet"
        yield ColumnDefinition(IS_INFERRED, "boolean", text, not_null=True, default=False)
        text = "The time of the run in which a fact made the member"
        yield ColumnDefinition(INFERRED_AT, "timestamp with time zone", text)


def history_definitions(dimension: Dimension, world: World) -> list[ColumnDefinition]:
    """Return the columns of a history. What says nothing about them, as a special member, is valid always."""
    time = time_type(dimension, world)
    types: dict[str, tuple[str, str | bool]] = dict.fromkeys(HISTORY_COLUMNS, (time, "-infinity"))
    types |= {VALID_TO: (time, "infinity"), IS_CURRENT: ("boolean", True)}
    return [
        ColumnDefinition(name, types[name][0], text, not_null=True, default=types[name][1])
        for name, text in HISTORY_COLUMNS.items()
    ]
