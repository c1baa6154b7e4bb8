"""Which entries a run takes: those that were named, and the dimensions that their facts look up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from engine.mapping.model import Entry, Fact, Star
from engine.plan.steps import Notice


def chosen(star: Star, select: Collection[str] = ()) -> tuple[Entry, ...]:
    """Return the selected entries in the order of the star; all of them when none is named.

    A fact brings its dimensions along. It would not find a member that is newer than their last load, and
    would keep the unknown member for it, as nothing makes its row be read again.
    """
    wanted = set(select) or {entry.name for entry in star.entries}
    wanted |= {
        lookup.dimension for fact in star.facts if fact.name in wanted for lookup in fact.lookups
    }
    return tuple(entry for entry in star.entries if entry.name in wanted)


def sources_of(entries: Iterable[Entry]) -> set[str]:
    """Return the names of the connections from which these entries are read."""
    return {entry.source.connection for entry in entries if entry.source}


def brought_along(star: Star, select: Collection[str]) -> Iterator[Notice]:
    """Tell which dimensions are loaded though nobody named them."""
    for entry in chosen(star, select) if select else ():
        if entry.name not in select:
            facts = [f.name for f in star.facts if f.name in select and _looks_up(f, entry.name)]
            yield Notice(entry.name, f"is loaded too, as {', '.join(facts)} looks it up")


def _looks_up(fact: Fact, dimension: str) -> bool:
    return any(lookup.dimension == dimension for lookup in fact.lookups)
