"""Steps that keep an aggregate equal to the query over its fact: computed anew, compared, changed.

NULL is a group like another; how it is compared is told in steps/junk.py.
"""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Measure, Step, Table, Value
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class GroupedBy:
    """A column of an aggregate that its groups are told apart by.

    It is the column `of` of the fact, or of the member of `table` whose `key` is in the fact's `lookup`.
    """

    name: str
    of: str
    table: Table | None = None
    key: str = ""
    lookup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillGroups(Step):
    """Compute the groups of a fact as it now stands, into a stage of their own.

    Rows whose column `deleted` is true are in none of them.
    """

    title: ClassVar[str] = "fill groups"
    measure: ClassVar[Measure] = "read"
    stage: Table
    fact: Table
    by: tuple[GroupedBy, ...]
    values: tuple[Value, ...]
    deleted: str = ""

    @property
    def scratch(self) -> tuple[Table, ...]:
        """The groups as they are now."""
        return (self.stage,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups(Step):
    """What the steps that follow share: both tables, what tells groups apart, and what may differ."""

    table: Table
    stage: Table
    match: tuple[str, ...]
    compare: tuple[str, ...]
    types: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountGroups(Groups):
    """Count the groups that are in the table as they are."""

    title: ClassVar[str] = "count unchanged"
    measure: ClassVar[Measure] = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateGroups(Groups):
    """Update the groups that differ (TRAPS 20, 25)."""

    title: ClassVar[str] = "update groups"
    measure: ClassVar[Measure] = "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroups(Groups):
    """Delete the groups that no row of the fact is in any more."""

    title: ClassVar[str] = "delete groups"
    measure: ClassVar[Measure] = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertGroups(Groups):
    """Insert the groups that the table has not; with `fresh` all of them."""

    title: ClassVar[str] = "insert groups"
    measure: ClassVar[Measure] = "inserted"
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyGroups(Step):
    """Delete all groups: they were told apart by something else."""

    title: ClassVar[str] = "empty groups"
    measure: ClassVar[Measure] = "deleted"
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class AddGroupIndex(Step):
    """Let the database itself refuse a second row of one group, NULLs included (TRAPS 22)."""

    title: ClassVar[str] = "add group index"
    table: Table
    name: str
    columns: tuple[str, ...]
