"""The columns that a clock offers, and the parts of a day."""

from __future__ import annotations

from collections.abc import Iterator

from engine.mapping.calendar import CalendarColumn, offered
from engine.mapping.model import Clock, Dimension

CLOCK_COLUMNS = (
    CalendarColumn("time", "time without time zone", "The time of day at which the step begins"),
    CalendarColumn("hour", "smallint", "Hour, 0 to 23"),
    CalendarColumn("minute", "smallint", "Minute, 0 to 59"),
    CalendarColumn("second", "smallint", "Second, 0 to 59"),
    CalendarColumn("hour_12", "smallint", "Hour of the half day, 1 to 12"),
    CalendarColumn("am_pm", "text", "AM before noon, PM from then on"),
    CalendarColumn("day_part", "text", "Part of the day, as day_parts says"),
    CalendarColumn("label", "text", "The time as text: 09:30, with seconds where they are steps"),
)
DAY_PARTS = (("night", "00:00"), ("morning", "06:00"), ("afternoon", "12:00"), ("evening", "18:00"))


def parts(clock: Clock) -> Iterator[tuple[str, str, str]]:
    """Yield the parts of a day: begin, end (not included), name; the last one goes on over midnight."""
    begins = sorted((begin, name) for name, begin in clock.day_parts)
    last = begins[-1][1]
    if begins[0][0] > "00:00":
        begins.insert(0, ("00:00", last))
    ends = [*(begin for begin, _ in begins[1:]), "24:00"]
    for (begin, name), end in zip(begins, ends, strict=True):
        yield begin, end, name


def generated_columns(dimension: Dimension) -> tuple[CalendarColumn, ...]:
    """Return the columns that the engine itself makes for a dimension: days, or times of day."""
    if dimension.calendar:
        return offered(dimension.calendar)
    return CLOCK_COLUMNS if dimension.clock else ()
