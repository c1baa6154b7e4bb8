"""Which entries a run takes: those that were named, and the dimensions that they look up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from engine.mapping.model import Aggregate, Dimension, Entry, Star
from engine.plan.steps import Notice


def chosen(star: Star, select: Collection[str] = ()) -> tuple[Entry, ...]:
    """Return the selected entries in the order of the star; all of them when none is named.

    A fact brings its dimensions along, and they theirs. It would not find a member that is newer than their
    last load, and would keep the unknown member for it, as nothing makes its row be read again. For the same
    reason an entry brings junk along that is made of its rows; and junk that is named, or that nothing of the
    run is a part of, all that it is made of.
    An aggregate brings its fact along, and is brought by what it is made of, to which it is equal.
    """
    wanted = set(select) or {entry.name for entry in star.entries}
    needs = {aggregate.name: made_of(star, aggregate) for aggregate in star.aggregates}
    junk = {d.name: d.junk for d in star.dimensions if d.junk}
    wanted |= {host for name, hosts in junk.items() if name in wanted for host in hosts}
    more = set(wanted)
    while more:
        found = {x.dimension for e in star.entries if e.name in more for x in e.lookups}
        found |= {name for name, hosts in junk.items() if more.intersection(hosts)}
        alone = [junk[name] for name in more & junk.keys() if not wanted.intersection(junk[name])]
        found |= {host for hosts in alone for host in hosts}
        found |= {name for name, of in needs.items() if more.intersection(of)}
        found |= {a.fact for a in star.aggregates if a.name in more}
        more = found - wanted
        wanted |= more
    return tuple(entry for entry in star.entries if entry.name in wanted)


def made_of(star: Star, aggregate: Aggregate) -> tuple[str, ...]:
    """Return the fact of an aggregate, and the dimensions that its rows are grouped by.

    Also those with versions whose key it uses: a late one gets rows of the fact, which then have another key.
    """
    grouping = {group.lookup for group in aggregate.by if group.lookup}
    used = [group.column for group in aggregate.by if not group.lookup]
    used += [column.expr or "" for column in aggregate.columns]
    dimensions = (
        lookup.dimension
        for fact in star.facts
        if fact.name == aggregate.fact
        for lookup in fact.lookups
        if lookup.column in grouping
        or (lookup.as_of and any(lookup.column in each for each in used))
    )
    return (aggregate.fact, *dimensions)


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
            why += _made(star, entry, taken)
            if isinstance(entry, Dimension):
                why += [f"it is made of the rows of {n}" for n in entry.junk if n in select]
            yield Notice(entry.name, f"is loaded too, as {' and '.join(why)}")


def _made(star: Star, entry: Entry, taken: Collection[Entry]) -> Iterator[str]:
    """Say what of this run an aggregate is made of, or which one is made of a fact."""
    names = {other.name for other in taken}
    if isinstance(entry, Aggregate):
        yield from (f"it is made of {name}" for name in made_of(star, entry) if name in names)
    for aggregate in star.aggregates:
        if aggregate.name in names and aggregate.fact == entry.name:
            yield f"{aggregate.name} is made of it"


def _looks_up(entry: Entry, dimension: str) -> bool:
    return any(lookup.dimension == dimension for lookup in entry.lookups)


def _made_of(junk: Entry, entry: Entry) -> bool:
    return isinstance(junk, Dimension) and entry.name in junk.junk
