"""Steps that keep the closure table of a hierarchy: a row for each member and each of its ancestors."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Step, Table
from engine.plan.steps.rejects import Rule
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Tree:
    """The members of a dimension with their parents.

    `parents` pairs the columns of the natural key with those that hold the parent's. `links` (member, parent)
    and `closure`, the rows that `table` should have, are made for the run.
    """

    members: Table
    key: str
    parents: tuple[tuple[str, str], ...]
    current: str
    links: Table
    closure: Table
    table: Table

    @property
    def own(self) -> tuple[str, ...]:
        """The columns of the natural key."""
        return tuple(own for own, _ in self.parents)

    @property
    def above(self) -> tuple[str, ...]:
        """The columns that hold the parent's natural key."""
        return tuple(above for _, above in self.parents)


@dataclass(frozen=True, slots=True, kw_only=True)
class HierarchyStep(Step):
    """What all steps of a hierarchy know. They are spared when no member has changed, unless `always`."""

    tree: Tree
    always: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildLinks(HierarchyStep):
    """Find the parent of each member; one that is its own parent is a root."""

    title: ClassVar[str] = "build links"

    @property
    def scratch(self) -> tuple[Table, ...]:
        """The links, and the rows that the table should have."""
        return (self.tree.links, self.tree.closure)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeLinks(HierarchyStep):
    """Give the planner statistics of the links, which are walked level by level (TRAPS 17)."""

    title: ClassVar[str] = "analyze links"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOrphans(HierarchyStep):
    """Count the members whose parent is not there: they are roots."""

    title: ClassVar[str] = "count orphans"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCircles(HierarchyStep):
    """Count the members that no root leads to: their ancestors go in a circle, which must not be walked."""

    title: ClassVar[str] = "count circles"
    rule: Rule
    warn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildClosure(HierarchyStep):
    """Build the rows that the table should have; of a member in a circle, or below one, its own row alone."""

    title: ClassVar[str] = "build closure"
    warn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteClosure(HierarchyStep):
    """Delete the rows of members that have other ancestors now, or are gone."""

    title: ClassVar[str] = "delete closure"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateClosure(HierarchyStep):
    """Update the rows whose depth or ends have changed."""

    title: ClassVar[str] = "update closure"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertClosure(HierarchyStep):
    """Insert the rows that are new."""

    title: ClassVar[str] = "insert closure"
