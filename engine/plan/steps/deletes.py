"""Steps about rows that the source no longer has, and about those that have returned."""

from __future__ import annotations

from typing import ClassVar

from engine.mapping.model import Tolerance
from engine.plan.steps.base import Measure, Rows, Step, Table, Within
from engine.plan.steps.rejects import Rule
from engine.plan.steps.transport import Copy
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyKeys(Copy):
    """Stream what the keys of all rows of a query are made of, whatever was read before (TRAPS 9)."""

    title: ClassVar[str] = "copy keys"
    measure: ClassVar[Measure] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindGone(Step):
    """Find the rows of the table whose key the source has no more, as a table of keys (TRAPS 9).

    `rows` are all that the source has, rejected ones too. Columns in `alive` are true in the rows that count,
    those in `dead` are not: versions of the past, rows that are deleted already, and inferred members do not.
    With `lasting` what is deleted already is found again: "$known"; members that a fact refers to: "$kept".
    With `within` only rows of a range are looked at, which is all that was read.
    """

    title: ClassVar[str] = "find gone"
    gone: Table
    table: Table
    rows: Rows
    match: tuple[str, ...]
    key: str = ""
    alive: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    lasting: str = ""
    referenced_by: tuple[tuple[Table, str], ...] = ()
    within: Within | None = None

    @property
    def scratch(self) -> tuple[Table, ...]:
        """The keys that are gone."""
        return (self.gone,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveFew(Step):
    """Count the rows that are gone, and those that were there: of too many gone none is (TRAPS 9)."""

    title: ClassVar[str] = "prove few gone"
    measure: ClassVar[Measure] = "failed"
    find: FindGone
    tolerance: Tolerance
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class OfGone(Step):
    """What all steps know that do something about rows that are gone: which those are."""

    find: FindGone

    @property
    def changes(self) -> str:
        """Rows of its own table."""
        return self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagGone(OfGone):
    """Say of rows that they are gone from the source, and since which run."""

    title: ClassVar[str] = "flag gone"
    measure: ClassVar[Measure] = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagReferred(OfGone):
    """Flag the members that cannot be removed, as facts refer to them."""

    title: ClassVar[str] = "flag referred"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseGone(OfGone):
    """End the present versions of members that are gone, by the clock of their history (TRAPS 34, 35).

    The end is `moment`, or the time of the run without one, and always after the last time at which the
    source said that the version was so: by `tick`, the smallest step of the type `time`.
    """

    title: ClassVar[str] = "close gone"
    measure: ClassVar[Measure] = "deleted"
    time: str
    moment: str
    tick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveGone(OfGone):
    """Delete rows that are gone; not members that a fact refers to."""

    title: ClassVar[str] = "remove gone"
    measure: ClassVar[Measure] = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnflagReturned(Step):
    """Take the flag from rows that the source has again (TRAPS 35)."""

    title: ClassVar[str] = "unflag returned"
    measure: ClassVar[Measure] = "returned"
    table: Table
    rows: Rows
    match: tuple[str, ...]

    @property
    def changes(self) -> str:
        """Rows of its own table."""
        return self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenReturned(Step):
    """Let the last version of a member go on that the source has again (TRAPS 35)."""

    title: ClassVar[str] = "reopen returned"
    measure: ClassVar[Measure] = "returned"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    key: str

    @property
    def changes(self) -> str:
        """Rows of its own table."""
        return self.entry
