"""Steps about rows of a fact that wait for a member: kept in the warehouse, and tried again in each run."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Join, Measure, Rows, Step, Table
from engine.plan.steps.rejects import Rule
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeHeld(Step):
    """Note of staged rows since when a row of their grain has been held: they take its place."""

    title: ClassVar[str] = "age held"
    rows: Rows
    held: Rows
    match: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropReplaced(Step):
    """Drop held rows of whose grain the source has sent a row again: that one is newer."""

    title: ClassVar[str] = "drop replaced"
    rows: Rows
    held: Rows
    match: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropGoneHeld(Step):
    """Drop held rows that the source no longer has; `rows` are all that it has."""

    title: ClassVar[str] = "drop gone held"
    rows: Rows
    held: Rows
    match: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryHeld(Step):
    """Put held rows back into the stage, with what was read: they are looked up like those."""

    title: ClassVar[str] = "retry held"
    stage: Table
    held: Table
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldMissing(Step):
    """Mark rows for which a lookup finds no member; a row without a key waits for nobody."""

    title: ClassVar[str] = "hold missing"
    stage: Table
    join: Join
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHeld(Step):
    """Drop held rows that wait no longer; `rules` are the paths of what rows wait for."""

    title: ClassVar[str] = "release held"
    measure: ClassVar[Measure] = "released"
    stage: Table
    held: Table
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepHeld(Step):
    """Keep the marked rows of this read, as they are and typed, with what they wait for."""

    title: ClassVar[str] = "keep held"
    measure: ClassVar[Measure] = "held"
    stage: Table
    held: Table
    columns: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountHeld(Step):
    """Count the rows that wait, and the seconds that the oldest has waited."""

    title: ClassVar[str] = "count held"
    held: Table
