"""Steps that put rows aside that cannot be loaded, or prove that there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from engine.mapping.model import Check, Scalar
from engine.plan.steps.base import (
    ColumnDefinition,
    Join,
    Measure,
    Rows,
    StandIn,
    Step,
    Table,
    Within,
)
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason to reject: the path in the mapping, the sentence for a person, file:line:column."""

    path: str
    text: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectNullKeys(Step):
    """Mark rows whose natural key or grain is NULL: they would be a new row in each run (TRAPS 22)."""

    title: ClassVar[str] = "reject null keys"
    measure: ClassVar[Measure] = "rejected"
    rows: Rows
    match: tuple[str, ...]
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectDuplicates(Step):
    """Mark all rows of one key but the first in the declared order (TRAPS 23)."""

    title: ClassVar[str] = "reject duplicates"
    measure: ClassVar[Measure] = "rejected"
    rows: Rows
    match: tuple[str, ...]
    order: str
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveUnique(Step):
    """Count the keys that more than one row of this read has; there must be none (TRAPS 23, 27)."""

    title: ClassVar[str] = "prove unique"
    measure: ClassVar[Measure] = "failed"
    rows: Rows
    match: tuple[str, ...]
    rule: Rule
    stand_ins: tuple[StandIn, ...] = ()  # keys that several rows may have as they found no member


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveOrdinary(Step):
    """Count the rows that a special member would hide, as it has their natural key; there must be none."""

    title: ClassVar[str] = "prove ordinary"
    measure: ClassVar[Measure] = "failed"
    rows: Rows
    match: tuple[str, ...]
    member: str
    values: tuple[Scalar, ...]
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectMissing(Step):
    """Mark rows for which a lookup finds no member, and has none for rows without a key."""

    title: ClassVar[str] = "reject missing"
    measure: ClassVar[Measure] = "rejected"
    stage: Table
    join: Join
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveFound(Step):
    """Count the rows for which a lookup finds no member, and has none for rows without a key."""

    title: ClassVar[str] = "prove found"
    measure: ClassVar[Measure] = "failed"
    stage: Table
    join: Join
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class FindMissing(Step):
    """Ask for one of the natural keys that ProveFound has counted, after the run has failed by it.

    At a time: also whether there is such a member at all.
    """

    title: ClassVar[str] = "find missing"
    stage: Table
    join: Join

    @property
    def member(self) -> Join:
        """The lookup of a member of any time."""
        return replace(self.join, as_of=None, history=False, closes=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveFilled(Step):
    """Count 1 when there is nothing to load, by which a `replace` would empty the table (TRAPS 9).

    With `held` there may be rows in the stage that were not sent, but have waited.
    """

    title: ClassVar[str] = "prove filled"
    measure: ClassVar[Measure] = "failed"
    stage: Table
    rule: Rule
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveRange(Step):
    """Count 1 when a backfill has nothing to load for a range that has rows in the star (TRAPS 9)."""

    title: ClassVar[str] = "prove range"
    measure: ClassVar[Measure] = "failed"
    stage: Table
    table: Table
    within: Within
    rule: Rule
    held: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row-wise check forbids, ready to be said in SQL over a column of the target."""

    check: Check
    column: str
    type: str
    members: Table | None = None  # references: the dimension, and its key
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectCheck(Step):
    """Mark rows that break a check whose `on_failure` is reject."""

    title: ClassVar[str] = "reject check"
    measure: ClassVar[Measure] = "rejected"
    rows: Rows
    condition: Condition
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine(Step):
    """Keep the rejected rows with the rule and the place of the mapping, each row and rule once."""

    title: ClassVar[str] = "quarantine"
    mapping: str
    stage: Table
    columns: tuple[ColumnDefinition, ...]
    rules: tuple[Rule, ...]
