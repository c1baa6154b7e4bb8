"""Steps that prove the checks before the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.mapping.model import Check
from engine.plan.steps.base import Rows, Step, Table
from engine.plan.steps.rejects import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRows(Step):
    """Count the rows of this run, as they now stand in the target, that break a row-wise check.

    With `rows` None the whole table is looked at: every row of it came in this run.
    """

    title: ClassVar[str] = "check"
    table: Table
    rows: Rows | None
    match: tuple[str, ...]
    condition: Condition
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUnique(Step):
    """Count the rows of the target that share the values of a row of this run."""

    title: ClassVar[str] = "check"
    table: Table
    rows: Rows | None
    match: tuple[str, ...]
    columns: tuple[str, ...]
    check: Check
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRowCount(Step):
    """Count the rows of the target and say whether there are too few or too many."""

    title: ClassVar[str] = "check"
    table: Table
    check: Check
    low: int
    high: int
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFreshness(Step):
    """Say whether the newest value of a column is too old by the warehouse's clock."""

    title: ClassVar[str] = "check"
    table: Table
    column: str
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckQuery(Step):
    """Count the rows that a free query returns; there should be none."""

    title: ClassVar[str] = "check"
    table: Table
    check: Check


CheckStep = CheckRows | CheckUnique | CheckRowCount | CheckFreshness | CheckQuery
