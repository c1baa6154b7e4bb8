"""Which entries a run takes: those that were named, and the dimensions that they look up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from engine.mapping.model import Entry, Star
from engine.plan.steps import Notice


def chosen(star: Star, select: Collection[str] = ()) -> tuple[Entry, ...]:
    """Return the selected entries in the order of the star; all of them when none is named.

    A fact brings its dimensions along, and they theirs. It would not find a member that is newer than their
    last load, and would keep the unknown member for it, as nothing makes its row be read again.
    """
    wanted = set(select) or {entry.name for entry in star.entries}
    for entry in reversed(star.entries):  # what is looked up comes before
        if entry.name in wanted:
            wanted |= {lookup.dimension for lookup in entry.lookups}
    return tuple(entry for entry in star.entries if entry.name in wanted)


def sources_of(entries: Iterable[Entry]) -> set[str]:
    """Return the names of the connections from which these entries are read."""
    return {entry.source.connection for entry in entries if entry.source}


def brought_along(star: Star, select: Collection[str]) -> Iterator[Notice]:
    """Tell which dimensions are loaded though nobody named them."""
    taken = chosen(star, select) if select else ()
    for entry in taken:
        if entry.name not in select:
            why = ", ".join(other.name for other in taken if _looks_up(other, entry.name))
            yield Notice(entry.name, f"is loaded too, as {why} looks it up")


def _looks_up(entry: Entry, dimension: str) -> bool:
    return any(lookup.dimension == dimension for lookup in entry.lookups)
