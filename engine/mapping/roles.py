"""The roles that dimensions play, each with a view: one day is the day of an order and of a shipment."""

from __future__ import annotations

from collections.abc import Iterator

from engine.mapping.model import Entry, Lookup, Star
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A view of a dimension under another name, whose key is called as the column that refers to it."""

    name: str
    dimension: str
    column: str
    description: str = ""


def lookups_with_roles(star: Star) -> Iterator[tuple[Entry, Lookup]]:
    """Yield every lookup that names a role, with its entry."""
    return ((entry, x) for entry in star.entries for x in entry.lookups if x.role)


def roles(star: Star) -> tuple[Role, ...]:
    """Return each role once, though several facts may look it up, in the order of the file."""
    found: dict[str, Role] = {}
    for _, lookup in lookups_with_roles(star):
        role = Role(lookup.role, lookup.dimension, lookup.column, lookup.description)
        found.setdefault(role.name, role)
    return tuple(found.values())
