"""The columns that a calendar offers, known without a database."""

from __future__ import annotations

from typing import NamedTuple

from engine.mapping.model import Calendar


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
    CalendarColumn("month_name", "text", "Name of the month, English unless locale says otherwise"),
    CalendarColumn("week", "smallint", "Week by ISO 8601, 1 to 53; belongs to iso_year"),
    CalendarColumn("iso_year", "integer", "Year of the ISO 8601 week"),
    CalendarColumn("day", "smallint", "Day of the month, 1 to 31"),
    CalendarColumn(
        "day_of_week", "smallint", "Day of the week, 1 for the first as week_starts says"
    ),
    CalendarColumn("day_name", "text", "Name of the day, English unless locale says otherwise"),
    CalendarColumn("day_of_year", "smallint", "Day of the year, 1 to 366"),
    CalendarColumn("week_start", "date", "First day of the week, as week_starts says"),
    CalendarColumn("month_start", "date", "First day of the month"),
    CalendarColumn("is_weekend", "boolean", "Whether the day is a Saturday or a Sunday"),
    CalendarColumn("fiscal_year", "integer", "Fiscal year, named by the year in which it ends"),
    CalendarColumn("fiscal_quarter", "smallint", "Quarter of the fiscal year, 1 to 4"),
    CalendarColumn("fiscal_month", "smallint", "Month of the fiscal year, 1 to 12"),
    CalendarColumn("month_short", "text", "Short name of the month: Jan, or as in the locale"),
    CalendarColumn("day_short", "text", "Short name of the day: Mon, or as in the locale"),
    CalendarColumn("quarter_label", "text", "Year and quarter: 2026-Q1"),
    CalendarColumn("month_label", "text", "Year and month: 2026-01"),
    CalendarColumn("week_label", "text", "Year and week by ISO 8601: 2026-W05"),
    CalendarColumn("month_end", "date", "Last day of the month"),
    CalendarColumn("is_month_end", "boolean", "Whether the day is the last one of its month"),
    CalendarColumn("is_quarter_end", "boolean", "Whether the day is the last one of its quarter"),
    CalendarColumn("is_year_end", "boolean", "Whether the day is the last one of its year"),
    CalendarColumn("is_weekday", "boolean", "Whether the day is neither a Saturday nor a Sunday"),
    CalendarColumn(
        "is_workday", "boolean", "Whether the day is a weekday and, with holidays, none of them"
    ),
    CalendarColumn("fiscal_quarter_label", "text", "Fiscal year and its quarter: FY2026-Q1"),
    CalendarColumn("fiscal_period", "text", "Fiscal year and its month: FY2026-P01"),
)
HOLIDAY_COLUMNS = (
    CalendarColumn("is_holiday", "boolean", "With holidays: whether the day is one"),
    CalendarColumn("holiday_name", "text", "With holidays: what the day is called, else NULL"),
)
FISCAL_WEEK_COLUMNS = (
    CalendarColumn(
        "fiscal_week", "smallint", "With fiscal_pattern: week of the fiscal year, 1 to 53"
    ),
)
ALL_COLUMNS = (*CALENDAR_COLUMNS, *HOLIDAY_COLUMNS, *FISCAL_WEEK_COLUMNS)


def offered(calendar: Calendar) -> tuple[CalendarColumn, ...]:
    """Return the columns that a calendar offers: some need a word of the mapping."""
    holidays = HOLIDAY_COLUMNS if calendar.holidays else ()
    weeks = FISCAL_WEEK_COLUMNS if calendar.fiscal_pattern else ()
    return (*CALENDAR_COLUMNS, *holidays, *weeks)
