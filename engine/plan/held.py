"""Rows of a fact that wait for a member (missing: hold): a table of their own, and what a run does with it.

The table has the columns of the query with their types, so that each value is tried again as it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.errors import Place, Problem
from engine.mapping.model import Entry, Fact, Lookup, Star
from engine.mapping.owned import policy_of
from engine.plan.present import present_rows
from engine.plan.schema import holds
from engine.plan.shape import match_columns, rows, short_name, stage, stage_columns
from engine.plan.steps import (
    AddColumn,
    AgeHeld,
    ColumnDefinition,
    CountHeld,
    CreateTable,
    DropGoneHeld,
    DropReplaced,
    HoldMissing,
    KeepHeld,
    ReleaseHeld,
    RetryHeld,
    Rule,
    Step,
    Table,
    WidenColumn,
)
from engine.plan.world import World, in_part, state_of

LEDGER = "engine"
MARKS = (
    ColumnDefinition("$held", "bigint"),
    ColumnDefinition("$since", "timestamp with time zone"),
)
OWN = (
    ColumnDefinition("$held", "bigint", identity=True),
    ColumnDefinition("$since", "timestamp with time zone", not_null=True),
    ColumnDefinition("$rule", "text", not_null=True),
)


def held_table(star: Star, entry: Entry) -> Table:
    """Return the table in which rows of a fact wait."""
    return Table(LEDGER, short_name(f"held.{star.name}.{entry.name}"))


def waiting_for(entry: Entry) -> tuple[Lookup, ...]:
    """Return the lookups of a fact for which rows wait."""
    lookups = entry.lookups if isinstance(entry, Fact) else ()
    return tuple(lookup for lookup in lookups if lookup.missing == "hold")


def is_held(entry: Entry, world: World) -> bool:
    """Say whether rows of an entry wait, or may: also where the word was taken out."""
    return bool(waiting_for(entry)) or entry.name in world.held


def marks(entry: Entry, world: World) -> tuple[ColumnDefinition, ...]:
    """Return the columns by which a stage tells held rows from those that were read."""
    return MARKS if is_held(entry, world) else ()


def retry_steps(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan how held rows come into the stage, where they are not replaced by newer ones."""
    if not is_held(entry, world):
        return
    name, table, columns = entry.name, held_table(star, entry), stage_columns(entry, world)
    there = world.held.get(name)
    if there is None:
        yield CreateTable(entry=name, table=table, columns=(*columns, *OWN))
        return
    for column in columns:
        present = there.get(column.name)
        if present is None:
            yield AddColumn(entry=name, table=table, column=column)
        elif present != column.type:
            yield WidenColumn(entry=name, table=table, column=column, present=present)
    match = match_columns(entry)
    own = rows(star, entry, world).only(match)
    held = replace(own, stage=table, rejected=True)
    yield AgeHeld(entry=name, rows=own, held=held, match=match)
    yield DropReplaced(entry=name, rows=own, held=held, match=match)
    made_anew = not state_of(entry, world).exists  # then all that the source has was read
    if (policy_of(entry) or entry.load == "replace" or made_anew) and not in_part(entry, world):
        present_now = replace(own, rejected=True) if made_anew else present_rows(star, entry, world)
        yield DropGoneHeld(entry=name, rows=present_now, held=held, match=match)
    names = tuple(column.name for column in columns)
    yield RetryHeld(entry=name, stage=stage(star, entry), held=table, columns=names)


def hold_steps(
    star: Star, entry: Entry, world: World, rule: Callable[[str, str], Rule]
) -> Iterator[Step]:
    """Plan which rows wait, which are released, and what is told of it."""
    if not is_held(entry, world):
        return
    name, at, table = entry.name, stage(star, entry), held_table(star, entry)
    joins = {join.column: join for join in rows(star, entry, world).joins}
    waiting = waiting_for(entry)
    for lookup in waiting:
        said = rule(lookup.path, f"no member of {lookup.dimension} for {lookup.column} yet")
        yield HoldMissing(entry=name, stage=at, join=joins[lookup.column], rule=said)
    paths = tuple(lookup.path for lookup in waiting)
    if name in world.held:
        yield ReleaseHeld(entry=name, stage=at, held=table, rules=paths)
    if waiting:
        names = tuple(column.name for column in stage_columns(entry, world))
        yield KeepHeld(entry=name, stage=at, held=table, columns=names, rules=paths)
    yield CountHeld(entry=name, held=table)


def held_problems(
    star: Star, entry: Entry, world: World, place: Callable[[str], Place]
) -> Iterator[Problem]:
    """Find held rows whose columns cannot become what the query has now without losing data."""
    if not is_held(entry, world):
        return
    there, table = world.held.get(entry.name, {}), held_table(star, entry)
    for column in stage_columns(entry, world):
        present = there.get(column.name, column.type)
        if present != column.type and not holds(column.type, present):
            yield Problem(
                place(f"{entry.path}.source"),
                f"rows are held whose column '{column.name}' is {present}, the query has "
                f"{column.type}, and a change could lose data",
                f'run: ALTER TABLE "{table.schema}"."{table.name}" ALTER COLUMN "{column.name}" '
                f'TYPE {column.type} USING "{column.name}"::{column.type};',
            )
