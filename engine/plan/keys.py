"""The keys by which the database itself refuses a second row, as indexes that have names of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile

from engine.errors import Place, Problem
from engine.mapping.history import IS_CURRENT, VALID_FROM, VALID_TO
from engine.mapping.model import Dimension, Entry, Star
from engine.mapping.owned import IS_INFERRED
from engine.plan.columns import definitions
from engine.plan.shape import primary_key, short_name, stand_ins, target
from engine.plan.steps import (
    AddCombinationIndex,
    AddPeriodCheck,
    AddPrimaryKey,
    AddUniqueIndex,
    DropIndex,
    Step,
    Table,
)
from engine.plan.world import TableState, World, infers, state_of

CURRENT_KEY, INFERRED_KEY = "current_key", "inferred_key"  # of some of the rows only
COMBINATION = "combination_"  # what the names of indexes over junk begin with


def key_steps(star: Star, entry: Entry, world: World) -> tuple[Step, ...]:
    """Return what declares the keys of an entry's table: the database itself refuses a second row."""
    state, table = world.tables.get(entry.name, TableState()), target(star, entry)
    primary = primary_key(entry)
    steps: list[Step] = []
    if primary and state.primary_key != primary:
        steps.append(
            AddPrimaryKey(
                entry=entry.name, table=table, columns=primary, stand_ins=stand_ins(star, entry)
            )
        )
    if isinstance(entry, Dimension) and entry.junk:
        name = _combination_name(entry)
        if name not in state.computed:
            columns = entry.natural_key
            steps.append(
                AddCombinationIndex(
                    entry=entry.name, table=table, name=name, key=entry.key, columns=columns
                )
            )
    elif isinstance(entry, Dimension) and entry.history:
        steps += _version_keys(star, entry, world)
    elif isinstance(entry, Dimension) and entry.natural_key not in state.unique:
        index = _unique_index(star, entry, entry.natural_key, "key", world)
        versions = {VALID_FROM, IS_CURRENT} <= state.columns.keys()
        steps.append(replace(index, versions=versions))
    if isinstance(entry, Dimension) and infers(entry, world):
        # It finds the few of them at once.
        index = _unique_index(star, entry, entry.natural_key, INFERRED_KEY, world)
        if index.name not in state.indexes:
            steps.append(replace(index, where=IS_INFERRED))
    return tuple(steps)


def _unique_index(
    star: Star, dimension: Dimension, columns: tuple[str, ...], ending: str, world: World
) -> AddUniqueIndex:
    """Return the step that makes a unique index over columns of a dimension."""
    return AddUniqueIndex(
        entry=dimension.name,
        table=target(star, dimension),
        name=_key_name(star, dimension, columns, ending, world),
        columns=columns,
    )


def _key_name(
    star: Star, dimension: Dimension, columns: tuple[str, ...], ending: str, world: World
) -> str:
    """Return the name of a unique index: another one, with a hash, where something else has that name.

    The index of dim_user over id would be called as that of dim over user_id.
    """
    state = state_of(dimension, world)
    name = _plain_name(dimension, columns, ending)
    if state.indexes.get(name) == columns:
        return name
    digest = hashlib.sha256(repr((dimension.name, columns, ending)).encode()).hexdigest()[:10]
    own = short_name(f"{dimension.name}_{digest}_{ending}")
    others = takewhile(lambda other: other.name != dimension.name, star.dimensions)
    taken = {entry.name for entry in star.entries} | world.taken
    taken |= {_plain_name(other, *key) for other in others for key in _keys(other)}
    return own if own in state.indexes or name in taken else name


def _plain_name(dimension: Dimension, columns: tuple[str, ...], ending: str) -> str:
    """Return the name of an index over a dimension: of a long one the end is a hash."""
    return short_name("_".join((dimension.name, *columns, ending)))


def _keys(dimension: Dimension) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return the columns of every unique index that a dimension may have, and the end of its name."""
    match = dimension.natural_key
    yield from ((match, ending) for ending in ("key", CURRENT_KEY, INFERRED_KEY))
    yield (*match, VALID_FROM), "key"
    yield (dimension.durable_key, VALID_FROM), "key"


def _combination_name(junk: Dimension) -> str:
    """Return the name of the index over a junk dimension's columns: other columns, another name."""
    digest = hashlib.sha256(repr(junk.natural_key).encode()).hexdigest()[:8]
    return short_name(f"{COMBINATION}{digest}_{junk.name}")


def outdated_keys(star: Star, junk: Dimension, world: World) -> Iterator[Step]:
    """Return what takes away the index over the columns that a junk dimension had before."""
    state, schema = world.tables.get(junk.name, TableState()), target(star, junk).schema
    for name in sorted(state.computed - {_combination_name(junk)}):
        if name.startswith(COMBINATION):
            yield DropIndex(entry=junk.name, index=Table(schema, name))


def _version_keys(star: Star, dimension: Dimension, world: World) -> Iterator[Step]:
    """Return what lets the database refuse two current versions, two at one time, and one without time."""
    name, match = dimension.name, dimension.natural_key
    state, table = state_of(dimension, world), target(star, dimension)
    current = _unique_index(star, dimension, match, CURRENT_KEY, world)
    if current.name not in state.indexes:
        yield replace(current, where=IS_CURRENT)
    begins, durable = (*match, VALID_FROM), (dimension.durable_key, VALID_FROM)
    if begins not in state.unique:
        yield _unique_index(star, dimension, begins, "key", world)
    if dimension.durable_key and durable not in state.unique:
        yield _unique_index(star, dimension, durable, "key", world)
    period = short_name(f"{name}_period_check")
    if period not in state.checks:
        yield AddPeriodCheck(entry=name, table=table, name=period, low=VALID_FROM, high=VALID_TO)


def dropped_keys(star: Star, dimension: Dimension, world: World) -> Iterator[Step]:
    """Return what lets a dimension that had one row for each member have several."""
    state, schema = world.tables.get(dimension.name, TableState()), target(star, dimension).schema
    match = dimension.natural_key
    kept = {_key_name(star, dimension, match, e, world) for e in (CURRENT_KEY, INFERRED_KEY)}
    for name, columns in state.indexes.items():
        if columns == match and name not in kept:
            yield DropIndex(entry=dimension.name, index=Table(schema, name))


def junk_problems(
    star: Star, junk: Dimension, world: World, place: Callable[[str], Place]
) -> Iterator[Problem]:
    """Find junk that has lost a column: its members may be the same without it, and have two keys."""
    state, table = world.tables.get(junk.name, TableState()), target(star, junk)
    wanted = {column.name for column in definitions(star, junk, world)}
    lost = [name for name in state.columns if name not in wanted]
    if lost and not state.empty and _combination_name(junk) not in state.computed:
        yield Problem(
            place(f"{junk.path}.columns"),
            f"the members of table {table} may differ in '{lost[0]}' alone, which is no longer a column",
            f'run: TRUNCATE {table}; ALTER TABLE {table} DROP COLUMN "{lost[0]}"; '
            "the next run gives new keys to the members and to all that looks them up",
        )
