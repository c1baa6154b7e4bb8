"""The columns that a calendar offers, known without a database."""

from __future__ import annotations

from typing import NamedTuple


class CalendarColumn(NamedTuple):
    """A generated column: its name, its type in PostgreSQL, and what it means."""

    name: str
    type: str
    description: str


CALENDAR_COLUMNS = (
    CalendarColumn("date", "date", "The day"),
    CalendarColumn("year", "integer", "Calendar year"),
    CalendarColumn("quarter", "smallint", "Quarter of the calendar year, 1 to 4"),
    CalendarColumn("month", "smallint", "Month, 1 to 12"),
    CalendarColumn("month_name", "text", "English name of the month"),
    CalendarColumn("week", "smallint", "Week by ISO 8601, 1 to 53; belongs to iso_year"),
    CalendarColumn("iso_year", "integer", "Year of the ISO 8601 week"),
    CalendarColumn("day", "smallint", "Day of the month, 1 to 31"),
    CalendarColumn(
        "day_of_week", "smallint", "Day of the week, 1 for the first as week_starts says"
    ),
    CalendarColumn("day_name", "text", "English name of the day"),
    CalendarColumn("day_of_year", "smallint", "Day of the year, 1 to 366"),
    CalendarColumn("week_start", "date", "First day of the week, as week_starts says"),
    CalendarColumn("month_start", "date", "First day of the month"),
    CalendarColumn("is_weekend", "boolean", "Whether the day is a Saturday or a Sunday"),
    CalendarColumn("fiscal_year", "integer", "Fiscal year, named by the year in which it ends"),
    CalendarColumn("fiscal_quarter", "smallint", "Quarter of the fiscal year, 1 to 4"),
    CalendarColumn("fiscal_month", "smallint", "Month of the fiscal year, 1 to 12"),
)
CALENDAR_NAMES = tuple(column.name for column in CALENDAR_COLUMNS)
