"""Which entries a run takes: those that were named, and the dimensions that they look up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from engine.mapping.model import Dimension, Entry, Star
from engine.plan.steps import Notice


def chosen(star: Star, select: Collection[str] = ()) -> tuple[Entry, ...]:
    """Return the selected entries in the order of the star; all of them when none is named.

    A fact brings its dimensions along, and they theirs. It would not find a member that is newer than their
    last load, and would keep the unknown member for it, as nothing makes its row be read again. For the same
    reason an entry brings junk along that is made of its rows; and junk that is named, or that nothing of the
    run is a part of, all that it is made of.
    """
    wanted = set(select) or {entry.name for entry in star.entries}
    junk = {d.name: d.junk for d in star.dimensions if d.junk}
    wanted |= {host for name, hosts in junk.items() if name in wanted for host in hosts}
    more = set(wanted)
    while more:
        found = {x.dimension for e in star.entries if e.name in more for x in e.lookups}
        found |= {name for name, hosts in junk.items() if more.intersection(hosts)}
        alone = [junk[name] for name in more & junk.keys() if not wanted.intersection(junk[name])]
        found |= {host for hosts in alone for host in hosts}
        more = found - wanted
        wanted |= more
    return tuple(entry for entry in star.entries if entry.name in wanted)


def sources_of(entries: Iterable[Entry]) -> set[str]:
    """Return the names of the connections from which these entries are read."""
    return {entry.source.connection for entry in entries if entry.source}


def brought_along(star: Star, select: Collection[str]) -> Iterator[Notice]:
    """Tell which dimensions are loaded though nobody named them."""
    taken = chosen(star, select) if select else ()
    for entry in taken:
        if entry.name not in select:
            why = [f"{o.name} looks it up" for o in taken if _looks_up(o, entry.name)]
            why += [f"{junk.name} is made of its rows" for junk in taken if _made_of(junk, entry)]
            if isinstance(entry, Dimension):
                why += [f"it is made of the rows of {n}" for n in entry.junk if n in select]
            yield Notice(entry.name, f"is loaded too, as {' and '.join(why)}")


def _looks_up(entry: Entry, dimension: str) -> bool:
    return any(lookup.dimension == dimension for lookup in entry.lookups)


def _made_of(junk: Entry, entry: Entry) -> bool:
    return isinstance(junk, Dimension) and entry.name in junk.junk
