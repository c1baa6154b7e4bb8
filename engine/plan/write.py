"""How the rows of a batch become rows of a table: inserted, updated, left, or deleted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from engine.mapping.model import Dimension, Entry, Fact, Star
from engine.mapping.owned import owned_names, policy_of
from engine.plan.audit import default_steps, with_audit
from engine.plan.backfill import removed, span_of
from engine.plan.columns import numbered
from engine.plan.deletes import delete_steps, referring
from engine.plan.reject import Locate, prove_sent, rule_of
from engine.plan.shape import (
    CUTTING,
    column_types,
    keys_above,
    match_columns,
    member_key,
    primary_key,
    rows,
    rows_to_load,
    target,
)
from engine.plan.snapshot import removal_steps
from engine.plan.steps import (
    AddPrimaryKey,
    CompleteInferred,
    ContinueKeys,
    CountKept,
    CountOutdated,
    CountUnchanged,
    CreateFilled,
    DeleteGone,
    InsertNew,
    Join,
    Rows,
    Step,
    UpdateChanged,
    Upsert,
)
from engine.plan.world import Reading, World, infers, state_of

NOTHING_LEFT = "load: replace would empty the table"


def born_filled(star: Star, entry: Entry, world: World) -> bool:
    """Say whether an entry's table is made of its rows: a new fact whose types the rows have as they are.

    A length that a cast leaves out for the assignment to prove (TRAPS 14) needs a table to assign to.
    """
    return (
        isinstance(entry, Fact)
        and not state_of(entry, world).exists
        and not entry.partition
        and not entry.dense
        and not owned_names(entry)
        and all(value.cast in {"", value.type} for value in rows(star, entry, world).values)
    )


def row_steps(
    star: Star, entry: Entry, world: World, place: Locate, keys: tuple[Step, ...]
) -> Generator[Step, None, tuple[Step, ...]]:
    """Plan how the rows of a batch become rows of the table; returns the steps for its keys."""
    table, own = target(star, entry), rows_to_load(star, entry, world)
    match = match_columns(entry)
    fresh = state_of(entry, world).empty
    compare = _compared(entry, world, own)
    if compare and not keys and _increment(entry, world):
        yield Upsert(entry=entry.name, table=table, rows=own, match=match, compare=compare)
        return keys
    if not fresh:
        yield from _known_steps(star, entry, world, compare)
        if compare:
            yield UpdateChanged(
                entry=entry.name,
                table=table,
                rows=own.only((*match, *compare)),
                match=match,
                compare=compare,
                previous=tuple(
                    (column.name, column.previous)
                    for column in entry.columns
                    if column.previous in compare
                ),
                single=not spread(entry),
            )
    if born_filled(star, entry, world):
        yield CreateFilled(entry=entry.name, table=table, rows=with_audit(own, entry))
        yield from default_steps(entry, table, state_of(entry, world))
        keys = tuple(_declaring(step, own.joins) for step in keys)
    else:
        yield InsertNew(
            entry=entry.name,
            table=table,
            rows=own,
            match=() if fresh else match,
            order=match if isinstance(entry, Dimension) else (),
            single=not spread(entry),
            key=numbered(entry, world) if isinstance(entry, Dimension) else "",
        )
    if span_of(entry, world):
        if not fresh:
            yield from removed(star, entry, world, lambda path, text: rule_of(path, text, place))
    elif entry.load == "replace" and not fresh:
        yield from _removal(star, entry, world, place)
    elif not fresh:
        yield from removal_steps(star, entry, world, place)
    return keys


def continued(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan that keys go on after those which the first rows were numbered with, which had a new table."""
    if isinstance(entry, Dimension) and (key := numbered(entry, world)):
        yield ContinueKeys(entry=entry.name, table=target(star, entry), key=key)


def _increment(entry: Entry, world: World) -> bool:
    """Say whether what was read are some rows of a fact, each of which can be tried at once.

    A dimension's keys would be burned by rows that are there (TRAPS 24), and many rows are found quicker by a
    hash of them all. A key that is cut to its length could be another row's (TRAPS 14).
    """
    state, types = state_of(entry, world), column_types(entry, world)
    return (
        isinstance(entry, Fact)
        and entry.load in ("upsert", "accumulate")
        and world.readings.get(entry.name, Reading()).low is not None
        and not state.empty
        and state.plain
        and not any(CUTTING.match(types.get(name, "")) for name in match_columns(entry))
    )


def _known_steps(
    star: Star, entry: Entry, world: World, compare: tuple[str, ...]
) -> Iterator[Step]:
    """Plan to count the rows that the table has already, and to complete the members that a fact has made."""
    table, own = target(star, entry), rows_to_load(star, entry, world)
    match = match_columns(entry)
    known = infers(entry, world)
    yield CountUnchanged(
        entry=entry.name,
        table=table,
        rows=own.only((*match, *compare)),
        match=match,
        compare=compare,
        known=known,
    )
    if known:
        yield CompleteInferred(entry=entry.name, table=table, rows=own, match=match)
    if not compare and world.readings.get(entry.name, Reading()).low is not None:
        # Few rows are read again: time enough to look whether the target is behind the source.
        names = tuple(name for name in own.columns if name not in match)
        if names:
            yield CountKept(entry=entry.name, table=table, rows=own, match=match, compare=names)


def outdated(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan to count the rows that stay as an earlier definition, source or dimension made them."""
    reading = world.readings.get(entry.name, Reading())
    stays = entry.load in ("upsert", "append", "accumulate") and not policy_of(entry)
    if reading.outdated and stays and not state_of(entry, world).empty:
        match = match_columns(entry)
        yield CountOutdated(
            entry=entry.name,
            table=target(star, entry),
            rows=rows(star, entry, world).only(match),
            match=match,
            key=member_key(entry),
            above=keys_above(entry),
            known=infers(entry, world),
        )


def spread(entry: Entry) -> bool:
    """Say whether rows of one key could be in several partitions, which the database would not see."""
    return isinstance(entry, Fact) and primary_key(entry) != entry.grain


def _declaring(step: Step, joins: tuple[Join, ...]) -> Step:
    """Let the primary key's statement declare what CREATE TABLE AS could not: lookups always find a key."""
    if not isinstance(step, AddPrimaryKey):
        return step
    found = (join.column for join in joins)
    return replace(step, not_null=tuple(name for name in found if name not in step.columns))


def _removal(star: Star, entry: Entry, world: World, place: Locate) -> Iterator[Step]:
    """Plan how a `replace` deletes what the source no longer has."""
    own, match = rows(star, entry, world), match_columns(entry)
    yield from prove_sent(star, entry, world, place, NOTHING_LEFT)
    yield from delete_steps(star, entry, world, place)
    yield DeleteGone(
        entry=entry.name,
        table=target(star, entry),
        rows=own.only(match),
        match=match,
        key=entry.key if isinstance(entry, Dimension) else "",
        above=keys_above(entry),
        referenced_by=referring(star, entry, world),
        known=infers(entry, world),
    )


def _compared(entry: Entry, world: World, own: Rows) -> tuple[str, ...]:
    """Return the columns in which a row that is there already may have changed; empty when it may not."""
    names = tuple(name for name in own.columns if name not in match_columns(entry))
    if not isinstance(entry, Dimension):
        reconcile = world.readings.get(entry.name, Reading()).reconcile
        return names if entry.load != "append" or reconcile else ()
    kept = {column.name for column in entry.columns if column.scd == 0}
    kept |= {lookup.column for lookup in entry.lookups if lookup.scd == 0}
    names = tuple(
        name
        for name in names
        if name != entry.key and not (name in kept and name in state_of(entry, world).columns)
    )
    if entry.load != "insert":
        return names
    # A member stays as it was first seen, but a column that is new has not been seen yet (TRAPS 37).
    return tuple(name for name in names if name not in state_of(entry, world).columns)
