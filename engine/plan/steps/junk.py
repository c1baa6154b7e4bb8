"""Steps that load a junk dimension: a member for each combination that the rows of other entries have.

NULL is a value like another there. Equality of arrays says so, and can be hashed and indexed: each column is
compared as an array of it alone (MEASURED: a million rows find their member of four columns in 1.2 s, which
takes 4.5 s by equality of records, and by `is not distinct from` a nested loop).
"""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Measure, Rows, Step, Table
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCombinations(Step):
    """Collect the combinations that the stages of other entries have, each once, in a stage of their own."""

    title: ClassVar[str] = "fill combinations"
    measure: ClassVar[Measure] = "read"
    stage: Table
    parts: tuple[Rows, ...]

    @property
    def scratch(self) -> tuple[Table, ...]:
        """The combinations of this run."""
        return (self.stage,)

    @property
    def rows(self) -> Rows:
        """The first part."""
        return self.parts[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountKnown(Step):
    """Count the combinations that have a member already."""

    title: ClassVar[str] = "count known"
    measure: ClassVar[Measure] = "unchanged"
    table: Table
    stage: Table
    key: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertCombinations(Step):
    """Insert a member for each combination that has none; with `fresh` all of them (TRAPS 24)."""

    title: ClassVar[str] = "insert combinations"
    measure: ClassVar[Measure] = "inserted"
    table: Table
    stage: Table
    key: str
    columns: tuple[str, ...]
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCombinationIndex(Step):
    """Let the database itself refuse a second member of one combination, NULLs included (TRAPS 22).

    Special members are no combinations. NULLS NOT DISTINCT would say the same, but PostgreSQL 14 has it not.
    """

    title: ClassVar[str] = "add combination index"
    table: Table
    name: str
    key: str
    columns: tuple[str, ...]
