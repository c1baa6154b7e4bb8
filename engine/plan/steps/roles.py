"""Steps that keep the views of dimensions in their roles."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Step, Table
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRole(Step):
    """Remove a view that is to be made anew: its columns, or what they come from, are others."""

    title: ClassVar[str] = "drop role"
    view: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRole(Step):
    """Make the view of a dimension, or add columns at its end; its `key` is called `column` there."""

    title: ClassVar[str] = "create role"
    view: Table
    table: Table
    key: str
    column: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeRole(Step):
    """Store which role the view is."""

    title: ClassVar[str] = "describe role"
    view: Table
    description: str
