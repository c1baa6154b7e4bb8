"""A backfill: a range of days of a fact is brought in line with the source, and nothing else of it.

All rows of the range are read, whatever their cursor, and what the star has in the range and the source has
not is deleted. Where a range of the source and a range of the star are the same, a column of the query has to
be in the fact as it is, or look up the days of a calendar by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

from engine.errors import Place, Problem
from engine.mapping.dated import HOW, Dated, dated
from engine.mapping.model import Entry, Fact, Star
from engine.mapping.owned import policy_of
from engine.plan.held import is_held
from engine.plan.partition import is_time
from engine.plan.shape import bare, column_types, match_columns, rows, stage, target
from engine.plan.snapshot import narrowed
from engine.plan.span import Span
from engine.plan.steps import DeleteGone, ProveRange, Rule, Step, Window, Within
from engine.plan.world import Reading, World

LOADS = ("append", "upsert", "replace")


def backfilled(star: Star, world: World, span: Span | None) -> World:
    """Return the world with its facts read for a range of days alone; as it is without one."""
    if span is None:
        return world
    text = f"is brought in line from {span.low} to {span.high} alone, and its watermark stays"
    facts = {fact.name for fact in star.facts}
    due = world.periods
    again = {
        fact.name: narrowed(star, fact, due[fact.name], span.low, span.high)
        for fact in star.facts
        if fact.name in due and not due[fact.name].now
    }
    days = f"from {span.low} to {span.high}"
    whole = f"the periods in which the days {days} lie are read again"
    none = f"no period in which the days {days} lie is due yet"
    return replace(
        world,
        periods={**due, **again},
        readings={
            name: Reading(reason=whole if again[name].any else none)
            if name in again
            else Reading(reason=text, reconcile=True, span=span, stale=reading.reconcile)
            if name in facts
            else reading
            for name, reading in world.readings.items()
        },
    )


def span_of(entry: Entry, world: World) -> Span | None:
    """Return the range of days that an entry is backfilled for, None for an ordinary load."""
    return world.readings.get(entry.name, Reading()).span


def backfill_problems(
    star: Star, entry: Entry, world: World, place: Callable[[str], Place]
) -> Iterator[Problem]:
    """Find why a fact cannot be backfilled: it has no date, or is not made of rows one by one.

    A range that is no date is told without --from and --to too: the mapping says that it is one.
    """
    if not isinstance(entry, Fact):
        return
    by = dated(star, entry)
    if span_of(entry, world) is None:
        if by and entry.source.range:
            yield from _unfit(entry, by, world, place)
    elif entry.load not in LOADS:
        why = " where its query tells how things are now" if entry.snapshot else ""
        what = f"load: {entry.load} cannot be backfilled by --from and --to{why}"
        yield Problem(place(f"{entry.path}.load"), what, "leave the fact out by --select")
    elif by is None:
        what = "the fact has no date by which --from and --to could choose rows"
        yield Problem(place(entry.path), what, f"{HOW}; or leave the fact out by --select")
    else:
        yield from _unfit(entry, by, world, place)


def _unfit(fact: Fact, by: Dated, world: World, place: Callable[[str], Place]) -> Iterator[Problem]:
    """Find a column by which a range would be chosen that is no date, or another one in the fact."""
    types = {column.name: column.type for column in world.sources[fact.name]}
    asked, kept = types.get(by.asked, "missing from the query"), column_types(fact, world)
    where = place(f"{fact.path}.{'source.range' if fact.source.range else 'partition.by'}")
    what = f"'{by.asked}', by which --from and --to would choose rows, is"
    if not is_time(asked):
        yield Problem(where, f"{what} {asked}", "a date or a timestamp is needed")
    elif not by.key and is_time(kept[by.column]) and "(" in kept[by.column]:
        what += (
            f" {kept[by.column]} in the fact: rounded, the last rows of a day are of the next there"
        )
        yield Problem(where, what, "drop the type of the column; another one may have it")


def asked(star: Star, entry: Entry, world: World) -> Window | None:
    """Return which rows a backfill asks the source for, None for an ordinary load."""
    span = span_of(entry, world)
    by = dated(star, entry) if isinstance(entry, Fact) else None
    if span is None or by is None or entry.source is None:
        return None
    types = {column.name: bare(column.type) for column in world.sources[entry.name]}
    return Window(
        by.asked,
        types[by.asked],
        span.low.isoformat(),
        nulls=False,
        keys=match_columns(entry) if entry.source.dedupe else (),
        high=span.high.isoformat(),
    )


def range_of(star: Star, entry: Entry, world: World) -> Within | None:
    """Return the range of its table that a fact is brought in line in, None for an ordinary load."""
    span = span_of(entry, world)
    by = dated(star, entry) if isinstance(entry, Fact) else None
    if span is None or by is None:
        return None
    low, high = (_number(day) if by.key else day for day in (span.low, span.high))
    return Within(by.column, low, high)


def removed(
    star: Star, entry: Entry, world: World, rule_of: Callable[[str, str], Rule]
) -> Iterator[Step]:
    """Plan to delete what the star has in the range and the source has not, unless that is flagged."""
    span, within = span_of(entry, world), range_of(star, entry, world)
    if span is None or within is None:
        return
    table, match = target(star, entry), match_columns(entry)
    flags = policy_of(entry) == "flag"
    would, change = (
        ("flag", f"UPDATE {table} SET is_deleted = true, deleted_at = now()")
        if flags
        else ("delete", f"DELETE FROM {table}")
    )
    text = (
        f"the source has no row from {span.low} to {span.high}, where {table} has some, and the backfill "
        f"would {would} them; if that is right, run: {change} "
        f"WHERE \"{within.column}\" >= '{within.low}' AND \"{within.column}\" < '{within.high}';"
    )
    rule = rule_of(f"{entry.path}.source", text)
    yield ProveRange(
        entry=entry.name,
        stage=stage(star, entry),
        table=table,
        within=within,
        rule=rule,
        held=is_held(entry, world),
    )
    if flags:  # plan.deletes
        return
    yield DeleteGone(
        entry=entry.name,
        table=table,
        rows=rows(star, entry, world).only(match),
        match=match,
        within=within,
    )


def _number(day: date) -> int:
    """Return a day as the key that a calendar gives it."""
    return day.year * 10_000 + day.month * 100 + day.day
