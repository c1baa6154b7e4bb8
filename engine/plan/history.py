"""How a dimension with history is loaded: every version of the members that have a row in this run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.mapping.history import CHANGED_AT, CONFIRMED_AT, HISTORY_NAMES, VALID_FROM, VALID_TO
from engine.mapping.model import Column, Dimension, Entry, History, Lookup, Star
from engine.mapping.owned import DELETED_AT, policy_of
from engine.mapping.rules_history import kept_time
from engine.plan.columns import numbered
from engine.plan.deletes import reopened
from engine.plan.drift import loaded_by_another
from engine.plan.shape import (
    EFFECTIVE,
    STAGE_SCHEMA,
    column_types,
    events,
    short_name,
    target,
    time_type,
)
from engine.plan.steps import (
    Analyze,
    BuildVersions,
    CountCorrected,
    CountRepeated,
    InsertFirst,
    InsertVersions,
    Line,
    RepointFacts,
    Step,
    Table,
    WriteVersions,
)
from engine.plan.world import TableState, World, infers


def history_steps(
    star: Star, dimension: Dimension, history: History, world: World
) -> Iterator[Step]:
    """Plan how the staged rows of a dimension become versions; rejected rows are out already."""
    state = world.tables.get(dimension.name, TableState())
    name = dimension.name
    versions = Table(STAGE_SCHEMA, short_name(f"{star.name}.{name}.versions"))
    closes = policy_of(dimension) == "close" and not state.empty
    line = Line(
        target(star, dimension),
        versions,
        dimension.key,
        dimension.natural_key,
        closes,
        infers(dimension, world),
    )
    build = _build(star, dimension, history, world, line)
    columns = (*build.columns, *HISTORY_NAMES, *((DELETED_AT,) if closes else ()))
    insert = InsertVersions(entry=name, line=line, columns=columns)
    repeated = CountRepeated(entry=name, line=line, fresh=state.empty)
    if state.empty:
        yield from (replace(step, several=True) for step in (build, repeated, insert))
        yield replace(_first(build), key=numbered(dimension, world))
    else:
        yield build
        yield Analyze(entry=name, table=versions)
        yield CountCorrected(entry=name, line=line)
        yield repeated
        yield WriteVersions(entry=name, line=line, columns=build.written)
        yield insert
        if closes:  # before facts are pointed: a version that goes on is that of their time again
            yield reopened(star, dimension, world)
        for other in star.entries:
            for lookup in other.lookups:
                if (
                    lookup.dimension == dimension.name
                    and lookup.as_of
                    and lookup.key == "surrogate"
                ):
                    yield from _repoint(star, other, lookup, world, line)


def _build(
    star: Star, dimension: Dimension, history: History, world: World, line: Line
) -> BuildVersions:
    state = world.tables.get(dimension.name, TableState())
    # A column that is new has not been seen yet: it is filled, and makes no version (TRAPS 37).
    declared = {x.column: x.scd for x in dimension.lookups}
    declared |= {c.name: c.scd for c in dimension.columns}
    new = {name for name in declared if not state.empty and name not in state.columns}
    scd = {name: 1 if name in new else how for name, how in declared.items()}
    previous = {c.name: c.previous for c in dimension.columns if c.previous}
    ordinary = [name for name in declared if name not in previous]
    changing = [name for name in ordinary if name not in dimension.natural_key]
    last = [n for n in changing if scd[n] == 1 and (history.type_1 == "all" or n in new)]
    return BuildVersions(
        entry=dimension.name,
        line=line,
        rows=events(star, dimension, history, world),
        time=EFFECTIVE,
        columns=tuple(declared),
        types={**column_types(dimension, world), **_times(dimension, world)},
        tracked=tuple(name for name in changing if scd[name] == 2),
        all_versions=tuple(last),
        first_value=tuple(name for name in changing if scd[name] == 0),
        previous=tuple(previous.items()),
        corrected=_values(dimension),
        written=_written(dimension, history),
        since_ever=history.first == "beginning",
        fresh=state.empty,
    )


def _first(build: BuildVersions) -> InsertFirst:
    """Plan the versions of members that have one row each: previous values they have none."""
    return InsertFirst(
        entry=build.entry,
        line=build.line,
        several=False,
        rows=build.rows,
        time=build.time,
        columns=build.carried,
        since_ever=build.since_ever,
    )


def _times(dimension: Dimension, world: World) -> dict[str, str]:
    return dict.fromkeys(
        (VALID_FROM, VALID_TO, CHANGED_AT, CONFIRMED_AT), time_type(dimension, world)
    )


def _values(dimension: Dimension) -> tuple[str, ...]:
    """Return what a row of the source can correct in a version that is there."""
    own = (c.name for c in dimension.columns if c.name not in dimension.natural_key)
    return (*(lookup.column for lookup in dimension.lookups), *own, CHANGED_AT)


def _written(dimension: Dimension, history: History) -> tuple[str, ...]:
    """Return what is written in a version that is there.

    A run that gives its own time to all that it reads would confirm, and so write, every member each time.
    """
    return (*_values(dimension), CONFIRMED_AT) if history.effective else _values(dimension)


def _repoint(
    star: Star, entry: Entry, lookup: Lookup, world: World, line: Line
) -> Iterator[RepointFacts]:
    """Plan to point the rows that are there to the versions that are valid at their time now."""
    state = world.tables.get(entry.name, TableState())
    time = kept_time(star, entry, lookup)
    if state.empty or lookup.column not in state.columns:
        return
    always = loaded_by_another(star, lookup.dimension, world)
    if isinstance(time, Column) and time.name in state.columns:
        yield RepointFacts(
            entry=lookup.dimension,
            line=line,
            fact=target(star, entry),
            column=lookup.column,
            time=time.name,
            always=always,
        )
    elif isinstance(time, Lookup) and time.column in state.columns:
        calendar = star.dimension(time.dimension)
        yield RepointFacts(
            entry=lookup.dimension,
            line=line,
            fact=target(star, entry),
            column=lookup.column,
            time="date",
            calendar=target(star, calendar),
            calendar_key=calendar.key,
            calendar_column=time.column,
            always=always,
        )
