"""Steps that bring rows from the stage into the star."""

from __future__ import annotations

from typing import ClassVar

from engine.mapping.model import Scalar
from engine.plan.steps.base import ColumnDefinition, Measure, Rows, Step, Table, Within
from engine.plan.steps.transport import Periods
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureMember(Step):
    """Make sure that a special member is there and as the mapping says (TRAPS 26)."""

    title: ClassVar[str] = "ensure member"
    table: Table
    member: str
    key: str
    number: int
    identity: bool
    values: tuple[tuple[ColumnDefinition, Scalar], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns beside the key."""
        return tuple(column.name for column, _ in self.values)

    @property
    def types(self) -> dict[str, str]:
        """The type of each column beside the key."""
        return {column.name: column.type for column, _ in self.values}

    @property
    def changes(self) -> str:
        """Rows of its own table."""
        return self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareMember(Step):
    """Say whether a special member is missing, or differs in one of these values: 1 when it does."""

    title: ClassVar[str] = "compare member"
    table: Table
    member: str
    key: str
    number: int
    values: tuple[tuple[ColumnDefinition, Scalar], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountUnchanged(Step):
    """Count the rows that are in the target as they are; with `compare` empty, by their key alone.

    With `known`, not those whose member is inferred: the row completes it.
    """

    title: ClassVar[str] = "count unchanged"
    measure: ClassVar[Measure] = "unchanged"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    compare: tuple[str, ...]
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CountKept(Step):
    """Count the rows of this read that differ from the target, which keeps its own as it is only added to."""

    title: ClassVar[str] = "count kept"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    compare: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOutdated(Step):
    """Count the rows of the target for which this read has none; with `known`, not inferred members."""

    title: ClassVar[str] = "count outdated"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    key: str = ""
    above: int = 0
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateChanged(Step):
    """Update the rows of the target that differ (TRAPS 20, 25).

    `previous` pairs a column with the one whose value it gets when that one changes; `single` is as in
    InsertNew.
    """

    title: ClassVar[str] = "update changed"
    measure: ClassVar[Measure] = "updated"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    compare: tuple[str, ...]
    previous: tuple[tuple[str, str], ...] = ()
    single: bool = False

    @property
    def changes(self) -> str:
        """Rows of its own table."""
        return self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertNew(Step):
    """Insert the rows whose key the target has not; with `match` empty, all of them (TRAPS 24).

    `single` says that the target has a key once at most, as the database proves: when all rows that were
    read are accounted for before this step, it would find none. With `key` the rows of a new table are
    numbered in one go: to ask the sequence for each takes longer (see ContinueKeys).
    """

    title: ClassVar[str] = "insert new"
    measure: ClassVar[Measure] = "inserted"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    order: tuple[str, ...] = ()
    single: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueKeys(Step):
    """Let the next surrogate key of a table be the one after those that its first rows were numbered with."""

    title: ClassVar[str] = "continue keys"
    table: Table
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert(Step):
    """Insert the rows whose key the target has not, and update those that differ, looking for each once.

    It locks the rows that it leaves as they are, and needs a unique index over `match`: for a part of a table
    that has one. What it counts are rows updated, rows inserted, and rows that there were.
    """

    title: ClassVar[str] = "upsert"
    measure: ClassVar[Measure] = "updated"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    compare: tuple[str, ...]

    @property
    def changes(self) -> str:
        """Rows of its own table."""
        return self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFilled(Step):
    """Make a table of its rows: the only way in which PostgreSQL fills one in parallel (MEASURED)."""

    title: ClassVar[str] = "create filled"
    measure: ClassVar[Measure] = "inserted"
    table: Table
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGone(Step):
    """Delete the rows that the source no longer has, of a range alone or unless a fact refers to them.

    With `known`, not inferred members, which the source never had.
    """

    title: ClassVar[str] = "delete gone"
    measure: ClassVar[Measure] = "deleted"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    key: str = ""
    above: int = 0
    referenced_by: tuple[tuple[Table, str], ...] = ()
    within: Within | None = None
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGonePeriods(Step):
    """Delete the rows of the periods that were read, if the source has them no longer."""

    title: ClassVar[str] = "delete gone"
    measure: ClassVar[Measure] = "deleted"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    periods: Periods
