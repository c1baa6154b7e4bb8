"""Periodic snapshots: which periods a run reads, and what it takes out of them.

The newest period in the table was not over when it was read: it is read again, and those after it. Once a
period has been over for the snapshot's `lag`, it is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from engine.mapping.model import Entry, Fact, Period, Snapshot, Star
from engine.plan.periods import start
from engine.plan.reject import Locate, prove_sent
from engine.plan.shape import rows_to_load, target
from engine.plan.steps import DeleteGonePeriods, Notice, Periods, Step
from engine.plan.world import World

WEEKS = {"monday": 0, "sunday": 1, "saturday": 2}  # days before the Monday
NOTHING_LEFT = "load: snapshot would empty its periods"


def first_day(day: date, every: Period, shift: int) -> date:
    """Return the first day of the period of a day; weeks begin `shift` days before Monday."""
    days = timedelta(days=shift if every == "week" else 0)
    return start(day + days, every) - days


def week_shift(star: Star, fact: Fact) -> int:
    """Return how many days before Monday weeks begin."""
    return WEEKS[_week_starts(star, fact)]


def length(star: Star, fact: Fact, snapshot: Snapshot) -> str:
    """Say what the periods of a snapshot are: months, or weeks from one of the days."""
    start = f" from {_week_starts(star, fact)}" if snapshot.every == "week" else ""
    return f"{snapshot.every}{start}"


def _week_starts(star: Star, fact: Fact) -> str:
    """Return the day on which weeks begin: as in the calendar that the fact looks up, if any."""
    looked_up = (star.dimension(lookup.dimension) for lookup in fact.lookups)
    starts = (dimension.calendar.week_starts for dimension in looked_up if dimension.calendar)
    return next(starts, "monday")


def periods_due(
    snapshot: Snapshot,
    *,
    shift: int,
    today: date,
    loaded: tuple[date, date] | None,
    of_now: bool,
    full_refresh: bool,
) -> Periods:
    """Return the periods that a run reads.

    Weeks begin `shift` days before Monday; `today` is by the source's clock in UTC; `loaded` are the first
    and the last period in the table. A query `of_now` says what is now, and nothing of any other period.
    """
    present = first_day(today, snapshot.every, shift)
    beginning = first_day(snapshot.start, snapshot.every, shift) if snapshot.start else present
    first = present
    if not of_now:
        first = min(beginning, loaded[0]) if loaded and not snapshot.start else beginning
        if loaded and not full_refresh:
            open_yet = first_day(today - timedelta(days=snapshot.lag), snapshot.every, shift)
            first = max(first, min(loaded[1], open_yet))
    return Periods(snapshot.column, snapshot.every, first, present, of_now)


def narrowed(star: Star, fact: Fact, periods: Periods, low: date, high: date) -> Periods:
    """Return the periods that have a day from `low` on and before `high`; none is to come."""
    shift = week_shift(star, fact)
    last = first_day(high - timedelta(days=1), periods.every, shift)
    return replace(
        periods, first=first_day(low, periods.every, shift), last=min(periods.last, last)
    )


def period_notices(star: Star, entry: Entry, world: World) -> Iterator[Notice]:
    """Tell where `from` does not do what a person might expect."""
    periods = world.periods.get(entry.name)
    snapshot = entry.snapshot if isinstance(entry, Fact) else None
    if not isinstance(entry, Fact) or not periods or not snapshot or not snapshot.start:
        return
    first = first_day(snapshot.start, snapshot.every, week_shift(star, entry))
    if periods.now:
        text = (
            "snapshot.from has no effect, as its query uses no period: it tells how things are now"
        )
        yield Notice(entry.name, text)
    elif periods.first == first and not periods.any:
        yield Notice(entry.name, f"no period is due before {first}")


def removal_steps(star: Star, entry: Entry, world: World, place: Locate) -> Iterator[Step]:
    """Plan to delete what the source no longer has in the periods that were read."""
    periods = world.periods.get(entry.name)
    if not isinstance(entry, Fact) or periods is None or not periods.any:
        return
    own = rows_to_load(star, entry, world)
    if not entry.dense:  # where it is proved before: plan.dense
        yield from prove_sent(star, entry, world, place, NOTHING_LEFT)
    yield DeleteGonePeriods(
        entry=entry.name,
        table=target(star, entry),
        rows=own.only(entry.grain),
        match=entry.grain,
        periods=periods,
    )
