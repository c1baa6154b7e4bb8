"""Days, weeks, months and years: where a period begins, which one follows, how long ago something was."""

from __future__ import annotations

from datetime import date, timedelta

from engine.mapping.model import Period

EARLIEST, LATEST = (
    date(1, 1, 1),
    date(9999, 1, 1),
)  # dates from the one on and before the other have a period
DIGITS = {"day": 8, "week": 8, "month": 6, "year": 4}


def start(day: date, every: Period) -> date:
    """Return the first day of the period that a day lies in; weeks start on Monday."""
    if every == "week":
        return day - timedelta(days=day.weekday())
    if every == "day":
        return day
    return day.replace(month=1, day=1) if every == "year" else day.replace(day=1)


def following(first: date, every: Period, count: int = 1) -> date:
    """Return the first day of a later period, or with a negative `count` of an earlier one.

    Beyond what dates can say it is the earliest or the latest of them.
    """
    if every in ("day", "week"):
        ordinal = first.toordinal() + count * (7 if every == "week" else 1)
        return date.fromordinal(min(max(ordinal, EARLIEST.toordinal()), LATEST.toordinal()))
    months = first.year * 12 + first.month - 1 + count * (12 if every == "year" else 1)
    year, month = divmod(months, 12)
    if year < EARLIEST.year:
        return EARLIEST
    return date(year, month + 1, 1) if year < LATEST.year else LATEST


def ago(day: date, count: int, unit: Period) -> date:
    """Return the day so many days, weeks, months or years before one; the last of a shorter month."""
    if unit in ("day", "week"):
        return following(day, unit, -count)
    first = following(day.replace(day=1), unit, -count)
    last = following(first, "month") - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def label(first: date, every: Period) -> str:
    """Name a period by its first day: 20260131, 202601, 2026."""
    return first.isoformat().replace("-", "")[: DIGITS[every]]
