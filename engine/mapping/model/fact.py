"""A fact: its grain, its measures, and how its rows are stored and change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from engine.mapping.model.base import Period, Severity
from engine.mapping.model.check import Check
from engine.mapping.model.column import Column, Lookup
from engine.mapping.model.source import Source
from engine.values import dataclass

FactLoad = Literal["append", "upsert", "replace", "accumulate", "snapshot"]
LagUnit = Literal["seconds", "minutes", "hours", "days"]


@dataclass(frozen=True, slots=True)
class Partition:
    """That a fact is stored by ranges of a date or timestamp, its column `by`, one for `every` period.

    Those of the present period and of `ahead` more are there before their rows. `keep` is for how long rows
    are kept, as a count of periods; None is for ever.
    """

    by: str
    every: Period
    ahead: int = 1
    keep: tuple[int, Period] | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """That a fact has rows for each period, whose first day is in `column`.

    `start` is a day of the first period, None for the present one; `lag` is in days: how long after its end
    a period is read again. `dense` are lookups, whose members all have a row in each period.
    """

    every: Period
    column: str
    start: date | None = None
    lag: int = 1
    dense: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Lag:
    """The time between two milestones of a fact, which is one of its `columns` too."""

    name: str
    start: str
    end: str
    unit: LagUnit = "days"
    description: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Bridge:
    """That the rows of a fact share out each value of `group`, a column or several, by their `weight`.

    `tolerance` is how far from 1 a sum may be; None is as far as rounding explains.
    """

    group: tuple[str, ...]
    weight: str
    tolerance: Decimal | None = None
    severity: Severity = "error"
    path: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact: one row for each value of its `grain`, columns or lookup keys of the fact.

    Of a fact that accumulates, `milestones` are columns that keep their value when the source tells none.
    """

    name: str
    source: Source
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    lookups: tuple[Lookup, ...] = ()
    load: FactLoad = "append"
    partition: Partition | None = None
    snapshot: Snapshot | None = None
    milestones: tuple[str, ...] = ()
    lags: tuple[Lag, ...] = ()
    bridge: Bridge | None = None
    checks: tuple[Check, ...] = ()
    audit: tuple[str, ...] = ()
    description: str = ""
    path: str = ""

    @property
    def dense(self) -> tuple[Lookup, ...]:
        """The lookups of which each member has a row in each period; none of any other fact."""
        names = self.snapshot.dense if self.snapshot else ()
        return tuple(lookup for lookup in self.lookups if lookup.column in names)
