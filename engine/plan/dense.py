"""Dense snapshots: each combination of members has a row in each period that is read.

What the query has no row for gets one whose additive measures are 0: nothing happened. Such rows are loaded
with those of the query, so that they are compared, updated and deleted like them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.mapping.model import Column, Entry, Fact, Lookup, Star
from engine.mapping.owned import IS_DELETED, owned_names
from engine.mapping.scan import column_of
from engine.plan.partition import border
from engine.plan.periods import following
from engine.plan.reject import Locate, no_member, prove_sent, rule_of
from engine.plan.shape import (
    AS_OF,
    filled_table,
    keys_above,
    looked_up_key,
    probe_name,
    rows,
    stage_columns,
    target,
)
from engine.plan.steps import (
    Analyze,
    EachMember,
    FillDense,
    Periods,
    ProveMade,
    Rows,
    Step,
    Value,
)
from engine.plan.world import World

NOTHING_SENT = "dense would say of every member that nothing happened"


def dense_steps(star: Star, entry: Entry, world: World, place: Locate) -> Iterator[Step]:
    """Plan the rows that the query of a dense snapshot has not; what was read is cleaned up already."""
    if not isinstance(entry, Fact) or not entry.dense:
        return
    periods, filled = _kept(entry, world), filled_table(star, entry)
    if periods.any:
        yield from prove_sent(star, entry, world, place, NOTHING_SENT)
    yield FillDense(
        entry=entry.name,
        filled=filled,
        rows=replace(rows(star, entry, world).only(entry.grain), rejected=True),
        periods=periods,
        members=tuple(_members(star, entry, lookup, world) for lookup in entry.dense),
        query=stage_columns(entry, world),
        times=tuple(column_of(lookup.as_of) for lookup in entry.dense if lookup.as_of),
        made=_made(star, entry, world),
    )
    for lookup in entry.lookups:
        if lookup.missing == "fail" and lookup not in entry.dense:
            yield ProveMade(
                entry=entry.name,
                filled=filled,
                lookup=lookup.column,
                period=periods.column,
                rule=rule_of(lookup.path, no_member(lookup), place),
            )
    yield Analyze(entry=entry.name, table=filled)


def _kept(fact: Fact, world: World) -> Periods:
    """Return the periods that are read, without those of which the fact keeps no rows."""
    periods = world.periods[fact.name]
    until = border(fact.partition, world.today) if fact.partition else None
    first = periods.first
    while until and first < until:
        first = following(first, periods.every)
    return replace(periods, first=first)


def _members(star: Star, fact: Fact, lookup: Lookup, world: World) -> EachMember:
    dimension = star.dimension(lookup.dimension)
    type_ = world.types.get(fact.name, {}).get(probe_name(lookup, AS_OF), "")
    versions = dimension.history is not None
    return EachMember(
        column=lookup.column,
        table=target(star, dimension),
        key=looked_up_key(lookup, dimension),
        above=keys_above(dimension),
        deletes=IS_DELETED in owned_names(dimension),
        history=versions,
        as_of=Value(AS_OF, type_, lookup.as_of) if lookup.as_of else None,
        natural_key=dimension.natural_key if versions and lookup.key == "surrogate" else (),
    )


def _made(star: Star, fact: Fact, world: World) -> Rows:
    """Return what becomes of a row of the query that has nothing but its period."""
    own = rows(star, fact, world)
    zero = {column.name for column in fact.columns if _adds_up(column)}
    computed = {column.name for column in fact.columns if column.expr is not None}
    dense = {lookup.column for lookup in fact.dense}
    return Rows(
        own.stage,
        tuple(
            Value(value.name, value.type, "'0'", value.type)
            if value.name in zero
            else Value(value.name, value.type, "null", value.type)
            if value.name in computed
            else value
            for value in own.values
        ),
        tuple(join for join in own.joins if join.column not in dense),
    )


def _adds_up(column: Column) -> bool:
    """Say whether nothing is a number of a column: 0 of what may be summed, NULL of a ratio or a price."""
    return column.measure is not None and column.measure.kind != "non-additive"
