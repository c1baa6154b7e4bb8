"""Steps that keep the view of a star's measures."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Step, Table
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateMeasures(Step):
    """Make the view that tells of each measure how it may be added up; it holds what it says, no rows."""

    title: ClassVar[str] = "create measures"
    view: Table
    columns: tuple[str, ...]
    told: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropMeasures(Step):
    """Remove the view of measures: there are none any more."""

    title: ClassVar[str] = "drop measures"
    view: Table
