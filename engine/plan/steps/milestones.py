"""Steps that keep what a row of an accumulating snapshot has reached."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Rows, Step, Table
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepMilestones(Step):
    """Give staged rows the milestones that the table has of them and the source does not tell (any more)."""

    title: ClassVar[str] = "keep milestones"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    milestones: tuple[str, ...]
