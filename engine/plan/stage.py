"""How the rows of an entry get into its stage: made and filled beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.mapping.country import day_names, holidays_of, month_names
from engine.mapping.model import Calendar, Clock, Dimension, Entry, Source, Star
from engine.plan.backfill import asked
from engine.plan.checks import counts_with_source
from engine.plan.held import marks
from engine.plan.present import needs_keys
from engine.plan.shape import STEPS, bare, keys_stage, match_columns, stage, stage_columns
from engine.plan.steps import (
    Analyze,
    Border,
    ColumnDefinition,
    Copy,
    CopyKeys,
    CountNullCursors,
    CountSource,
    CreateStage,
    FillCalendar,
    FillClock,
    Reached,
    ReadCursors,
    StagePlan,
    Step,
    Table,
    Window,
)
from engine.plan.streams import parts_of
from engine.plan.world import Reading, World


def stage_plan(star: Star, entry: Entry, world: World) -> StagePlan:
    """Plan how an entry is staged: from its query, its calendar or its clock."""
    table = stage(star, entry)
    if isinstance(entry, Dimension) and entry.calendar:
        return _from_calendar(entry, entry.calendar, table, world)
    if isinstance(entry, Dimension) and entry.clock:
        return _from_clock(entry, entry.clock, table, world)
    if entry.source is None:
        raise ValueError(f"{entry.name} has neither a source nor a calendar or a clock")
    return _from_source(star, entry, entry.source, table, world)


def _from_source(star: Star, entry: Entry, source: Source, table: Table, world: World) -> StagePlan:
    name, columns = entry.name, world.sources[entry.name]
    window = asked(star, entry, world)
    cursor = None if window else source.cursor  # all of a range is read, and the watermark stays
    create = CreateStage(
        entry=name, stage=table, columns=(*stage_columns(entry, world), *marks(entry, world))
    )
    types = {column.name: bare(column.type) for column in columns}
    lows = world.readings.get(name, Reading()).lows(len(source.cursors))
    if cursor:
        keys = match_columns(entry) if source.dedupe else ()
        first, *further = (
            Border(each.column, types[each.column], low, each.null != "never")
            for each, low in zip(source.cursors, lows, strict=True)
        )
        window = Window(first.column, first.type, first.low, first.nulls, keys, tuple(further))
    where: dict[str, Any] = {"entry": name, "connection": source.connection, "query": source.query}
    due: dict[str, Any] = {"window": window, "periods": world.periods.get(name)}
    whole = window is None or all(border.low is None for border in window.borders)
    parts = parts_of(entry, world) if whole else ()
    copy, *beside = (
        Copy(**where, **due, columns=columns, stage=table, part=part) for part in parts or (None,)
    )
    count = CountSource(**where, **due) if _counted(entry) else None
    all_keys = _keys(star, entry, where, world)
    analyze = Analyze(entry=name, table=table)
    if cursor is None:
        return StagePlan(
            name, create, copy, analyze, count=count, keys=all_keys, beside=tuple(beside)
        )
    names = tuple(each.column for each in source.cursors)
    unread = all(each.null == "never" for each in source.cursors)
    never = CountNullCursors(**where, column=names[0], further=names[1:]) if unread else None
    cursors = _reached(entry, source, table, types, lows, world.limits.get(name, {}))
    return StagePlan(
        name, create, copy, analyze, never, cursors, count, all_keys, beside=tuple(beside)
    )


def _keys(star: Star, entry: Entry, where: dict[str, Any], world: World) -> tuple[Step, ...]:
    """Plan a stage for the keys of all rows; all columns, when what a key is computed of cannot be known."""
    if not needs_keys(entry, world):
        return ()
    copied = {column.name for column in entry.columns if column.expr is None}
    match, columns = match_columns(entry), world.sources[entry.name]
    if copied.issuperset(match):
        columns = tuple(column for column in columns if column.name in match)
    table = keys_stage(star, entry)
    definitions = tuple(ColumnDefinition(c.name, c.type) for c in columns)
    return (
        CreateStage(entry=entry.name, stage=table, columns=definitions),
        CopyKeys(**where, columns=columns, window=None, stage=table),
        Analyze(entry=entry.name, table=table),
    )


def _reached(
    entry: Entry,
    source: Source,
    table: Table,
    types: Mapping[str, str],
    lows: tuple[str | None, ...],
    limits: Mapping[str, str],
) -> ReadCursors:
    """Ask how far each cursor has got; of several, a row may be old by one that another one asked for."""
    several = len(source.cursors) > 1
    first, *further = (
        Reached(
            column=each.column,
            type=types[each.column],
            limit=limits.get(types[each.column], ""),
            low=low if several else None,
            forbidden=each.null == "fail",
            counted=each.null != "never" or not several,
        )
        for each, low in zip(source.cursors, lows, strict=True)
    )
    return ReadCursors(
        entry=entry.name,
        stage=table,
        column=first.column,
        type=first.type,
        limit=first.limit,
        forbidden=first.forbidden,
        keys=_copied_keys(entry),
        further=tuple(further),
        low=first.low,
        counted=first.counted,
    )


def _copied_keys(entry: Entry) -> tuple[str, ...]:
    """Return the key of a row as columns of the query; nothing when a part of it is computed."""
    copied = {column.name for column in entry.columns if column.expr is None and not column.type}
    keys = match_columns(entry)
    return keys if copied.issuperset(keys) else ()


def _counted(entry: Entry) -> bool:
    return any(counts_with_source(check) for check in entry.checks)


def _from_calendar(
    dimension: Dimension, calendar: Calendar, table: Table, world: World
) -> StagePlan:
    columns = stage_columns(dimension, world)
    return StagePlan(
        dimension.name,
        CreateStage(entry=dimension.name, stage=table, columns=columns),
        FillCalendar(
            entry=dimension.name,
            stage=table,
            calendar=calendar,
            key=dimension.key,
            columns=tuple(column.name for column in columns),
            months=month_names(calendar.locale),
            days=day_names(calendar.locale),
            holidays=holidays_of(calendar),
        ),
    )


def _from_clock(dimension: Dimension, clock: Clock, table: Table, world: World) -> StagePlan:
    columns = stage_columns(dimension, world)
    return StagePlan(
        dimension.name,
        CreateStage(entry=dimension.name, stage=table, columns=columns),
        FillClock(
            entry=dimension.name,
            stage=table,
            clock=clock,
            step=STEPS[clock.step],
            key=dimension.key,
            columns=tuple(column.name for column in columns),
        ),
    )
