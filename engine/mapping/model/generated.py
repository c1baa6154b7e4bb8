"""Dimensions that the engine itself makes the members of: the days of a calendar, the times of a clock."""

from __future__ import annotations

from datetime import date
from typing import Literal

from engine.values import dataclass

ClockStep = Literal["second", "minute", "quarter-hour", "hour"]


@dataclass(frozen=True, slots=True)
class Holidays:
    """Whose public holidays a calendar knows, and the language of their names."""

    country: str
    subdivision: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """One row for each day from `start` to `end`, both included.

    With a `fiscal_pattern` the months of a fiscal year are so many whole weeks, in each quarter.
    """

    start: date
    end: date
    week_starts: Literal["monday", "sunday", "saturday"] = "monday"
    fiscal_year_starts: int = 1
    fiscal_pattern: tuple[int, ...] = ()
    locale: str = ""
    holidays: Holidays | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """One row for each step of a day; `day_parts` are names, each with the time HH:MM at which it begins."""

    step: ClockStep
    day_parts: tuple[tuple[str, str], ...]
    path: str = ""
