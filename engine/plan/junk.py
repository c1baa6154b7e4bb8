"""How a junk dimension is loaded: from the stages of the entries that it is made of, before these are."""

from __future__ import annotations

from collections.abc import Iterator

from engine.mapping.model import Dimension, Star
from engine.plan.keys import key_steps, outdated_keys
from engine.plan.shape import combined, stage, target
from engine.plan.steps import (
    Analyze,
    CountKnown,
    FillCombinations,
    InsertCombinations,
    Rows,
    Step,
)
from engine.plan.world import World, state_of


def hosts(dimension: Dimension, world: World) -> tuple[str, ...]:
    """Return the entries of this run whose rows a junk dimension is made of."""
    return tuple(name for name in dimension.junk if world.sources.get(name))


def junk_steps(
    star: Star, dimension: Dimension, world: World, members: tuple[Step, ...]
) -> Iterator[Step]:
    """Plan the members of a junk dimension; `members` are the steps of the special ones."""
    name, table, own = dimension.name, target(star, dimension), stage(star, dimension)
    fresh = state_of(dimension, world).empty
    keys = key_steps(star, dimension, world)
    entries = {entry.name: entry for entry in star.entries}
    yield from () if keys else members
    yield FillCombinations(
        entry=name,
        stage=own,
        parts=tuple(
            Rows(stage(star, entries[host]), combined(dimension, entries[host], world))
            for host in hosts(dimension, world)
        ),
    )
    yield Analyze(entry=name, table=own)
    yield from outdated_keys(star, dimension, world)
    if not fresh:
        yield CountKnown(
            entry=name, table=table, stage=own, key=dimension.key, columns=dimension.natural_key
        )
    yield InsertCombinations(
        entry=name,
        table=table,
        stage=own,
        key=dimension.key,
        columns=dimension.natural_key,
        fresh=fresh,
    )
    yield from keys
    yield from members if keys else ()
    if fresh:
        yield Analyze(entry=name, table=table)
