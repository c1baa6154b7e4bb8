"""What several parts of a mapping are told in: plain values, how much may be wrong, how grave it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from engine.values import dataclass

Scalar = str | int | float | bool | None
Severity = Literal["error", "warn"]
Period = Literal["day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much may be wrong: at most `rows`, or at most `percent` of the rows looked at."""

    rows: int = 0
    percent: Decimal | None = None
