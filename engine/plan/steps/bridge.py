"""The step that proves a bridge: what a group is shared out to is the whole of it."""

from __future__ import annotations

from engine.plan.steps.checks import CheckTable
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBridge(CheckTable):
    """Count the groups whose weights do not sum to 1, have a NULL among them or one below zero.

    A sum may differ from 1 by `tolerance`, or by `rounding` for each row, half of a weight's last digit.
    `members` pairs group columns with the key below which there are special members, which are no groups.
    """

    group: tuple[str, ...]
    weight: str
    tolerance: str
    rounding: str
    members: tuple[tuple[str, int], ...]
