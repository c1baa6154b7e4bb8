"""The small forms of the language in their long form: durations and tolerances, one value for a list."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from engine.mapping.model import Period, Tolerance
from engine.mapping.scalars import Plain

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse_duration(text: str) -> int:
    """Return the seconds of a duration such as 30s, 10m, 1h, 7d or 2w, else a ValueError."""
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not (number.isascii() and number.isdigit()):
        raise ValueError(f"not a duration: {text!r}")
    return int(number) * _SECONDS[unit]


def parse_periods(text: str) -> tuple[int, Period]:
    """Return the number and the period of a text such as 24 months or 1 year."""
    number, _, unit = text.partition(" ")
    return int(number), cast(Period, unit.removesuffix("s"))


def parse_tolerance(value: int | str) -> Tolerance:
    """Return the tolerance of a number of rows, or of a percentage such as 1% or 0.5%."""
    if isinstance(value, str):
        return Tolerance(percent=Decimal(value.removesuffix("%")))
    return Tolerance(rows=value)


def listed(value: Plain) -> list[Plain]:
    """Return a list, of the one value when it is none."""
    return value if isinstance(value, list) else [value]
