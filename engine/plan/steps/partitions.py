"""Steps that make and let go the partitions of a fact."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from engine.mapping.model import Period
from engine.plan.steps.base import Measure, Rows, Step, Table
from engine.plan.steps.rejects import Rule
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePartition(Step):
    """Make the partition of one period, from its first day to that of the next, which is not in it."""

    title: ClassVar[str] = "create partition"
    table: Table
    partition: Table
    low: date
    high: date

    @property
    def called(self) -> str:
        """Its title and the partition."""
        return f"{self.title} {self.partition.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPartitions(Step):
    """Make a partition for each period that rows of the batch lie in and no present partition holds."""

    title: ClassVar[str] = "add partitions"
    table: Table
    rows: Rows
    by: str
    every: Period
    prefix: str
    present: tuple[tuple[date, date], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountExpired(Step):
    """Count the rows of a partition that is older than what is kept."""

    title: ClassVar[str] = "count expired"
    measure: ClassVar[Measure] = "deleted"
    partition: Table
    until: date

    @property
    def called(self) -> str:
        """Its title and the partition."""
        return f"{self.title} {self.partition.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropPartition(Step):
    """Drop a partition that is older than what is kept."""

    title: ClassVar[str] = "drop partition"
    partition: Table

    @property
    def called(self) -> str:
        """Its title and the partition."""
        return f"{self.title} {self.partition.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectExpired(Step):
    """Mark rows that are older than what is kept; they are counted and not put into quarantine."""

    title: ClassVar[str] = "reject expired"
    measure: ClassVar[Measure] = "rejected"
    rows: Rows
    by: str
    until: date
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectNoPeriod(Step):
    """Mark rows whose date lies in no period: NULL, infinite, or nothing that a date of this era says."""

    title: ClassVar[str] = "reject no period"
    measure: ClassVar[Measure] = "rejected"
    rows: Rows
    by: str
    low: date
    high: date
    rule: Rule
