"""Steps about inferred members: made of keys that facts have, until the dimension's own row comes."""

from __future__ import annotations

from typing import ClassVar

from engine.mapping.model import Scalar
from engine.plan.steps.base import ColumnDefinition, Join, Measure, Rows, Step, Table
from engine.plan.steps.rejects import Rule
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InferMembers(Step):
    """Make the members that the staged rows of the fact `host` look up and no version is there of (TRAPS 36).

    A part of a key that is NULL, or that the dimension could not hold, makes none: a row with it gets the
    unknown member. `values` are what other columns need to have.
    """

    title: ClassVar[str] = "infer members"
    measure: ClassVar[Measure] = "inferred"
    host: str
    stage: Table
    join: Join
    table: Table
    key: str
    values: tuple[tuple[ColumnDefinition, Scalar], ...]
    rule: Rule

    @property
    def reads(self) -> str:
        """The fact."""
        return self.host

    @property
    def match(self) -> tuple[str, ...]:
        """The natural key of the dimension."""
        return tuple(value.name for value in self.join.on)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteInferred(Step):
    """Write the first row of an inferred member into it: every column, whatever changes later (TRAPS 36)."""

    title: ClassVar[str] = "complete inferred"
    measure: ClassVar[Measure] = "updated"
    table: Table
    rows: Rows
    match: tuple[str, ...]

    @property
    def changes(self) -> str:
        """Rows of its own table."""
        return self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class CountInferred(Step):
    """Count the members that are inferred still, and the seconds that the oldest has been."""

    title: ClassVar[str] = "count inferred"
    table: Table
