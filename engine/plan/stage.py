"""How the rows of an entry get into its stage: made and filled beside the others."""

from __future__ import annotations

from engine.mapping.model import Calendar, Dimension, Entry, Source, Star
from engine.plan.shape import CALENDAR_TYPES, bare, key_type, stage
from engine.plan.steps import (
    Analyze,
    ColumnDefinition,
    Copy,
    CountNullCursors,
    CountStagedNullCursors,
    CreateStage,
    FillCalendar,
    HighestCursor,
    StagePlan,
    Table,
    Window,
)
from engine.plan.world import Reading, World


def stage_plan(star: Star, entry: Entry, world: World) -> StagePlan:
    """Plan how an entry is staged: from its query, or from its calendar."""
    table = stage(star, entry)
    if isinstance(entry, Dimension) and entry.calendar:
        return _from_calendar(entry, entry.calendar, table)
    if entry.source is None:
        raise ValueError(f"{entry.name} has neither a source nor a calendar")
    return _from_source(entry, entry.source, table, world)


def _from_source(entry: Entry, source: Source, table: Table, world: World) -> StagePlan:
    name, columns, cursor = entry.name, world.sources[entry.name], source.cursor
    create = CreateStage(
        entry=name, stage=table, columns=tuple(ColumnDefinition(c.name, c.type) for c in columns)
    )
    types = {column.name: bare(column.type) for column in columns}
    low = world.readings.get(name, Reading()).low
    copy = Copy(
        entry=name,
        connection=source.connection,
        query=source.query,
        columns=columns,
        window=Window(cursor.column, types[cursor.column], low, nulls=cursor.null != "never")
        if cursor
        else None,
        stage=table,
    )
    analyze = Analyze(entry=name, table=table)
    if cursor is None:
        return StagePlan(name, create, copy, analyze)
    null_cursors: CountNullCursors | CountStagedNullCursors
    if cursor.null == "never":
        null_cursors = CountNullCursors(
            entry=name, connection=source.connection, query=source.query, column=cursor.column
        )
    else:
        null_cursors = CountStagedNullCursors(
            entry=name, stage=table, column=cursor.column, forbidden=cursor.null == "fail"
        )
    highest = HighestCursor(
        entry=name,
        stage=table,
        column=cursor.column,
        type=types[cursor.column],
        limit=world.limits.get(name, {}).get(types[cursor.column], ""),
    )
    return StagePlan(name, create, copy, analyze, null_cursors, highest)


def _from_calendar(dimension: Dimension, calendar: Calendar, table: Table) -> StagePlan:
    columns = (
        ColumnDefinition(dimension.key, key_type(dimension)),
        *(ColumnDefinition(name, type_) for name, type_ in CALENDAR_TYPES.items()),
    )
    return StagePlan(
        dimension.name,
        CreateStage(entry=dimension.name, stage=table, columns=columns),
        FillCalendar(
            entry=dimension.name,
            stage=table,
            calendar=calendar,
            key=dimension.key,
            columns=tuple(column.name for column in columns),
        ),
        Analyze(entry=dimension.name, table=table),
    )
