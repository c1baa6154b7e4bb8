"""Steps that load a dimension with history: a row for each version of a member."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Measure, Rows, Step, Table
from engine.plan.steps.rejects import Rule
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectNoTime(Step):
    """Mark rows that do not say since when they are so, or since an infinite time."""

    title: ClassVar[str] = "reject no time"
    measure: ClassVar[Measure] = "rejected"
    rows: Rows
    time: str
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSeveral(Step):
    """Count the rows of this read beside the first one of each member: without, each is a first version.

    Keys that are one number are put in order, which takes less than to hash them (benchmarks/NOTES.md).
    """

    title: ClassVar[str] = "count several"
    rows: Rows
    match: tuple[str, ...]
    number: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The table of a dimension, its key and natural key, and the `versions` that are wanted in it.

    With `closes`, versions that end with their member have `deleted_at`, and what comes later is another one.
    With `infers`, a member may be there that no row has told of: its key is that of its first version then.
    """

    table: Table
    versions: Table
    key: str
    match: tuple[str, ...]
    closes: bool = False
    infers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline(Step):
    """What all steps of a history know."""

    line: Line


@dataclass(frozen=True, slots=True)
class Previous:
    """A column that has the value which the column `of` had before its present one.

    Versions in which that one stays the same are a `stretch` of them; `before` is what the last one had.
    """

    name: str
    of: str
    before: str
    stretch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildVersions(Timeline):
    """Build anew the versions of every member that has a row in this run (TRAPS 28 to 30).

    The rows of the run and the versions that are there, each at its time, make one line of events for each
    member. Events that say the same as the one before are the same version; a version that is there keeps its
    key and is never given up. `rows` has the time in the column `time`. A change in one of `tracked` makes a
    version; columns in `all_versions` have the member's last value, in `first_value` the one that was seen
    first, others the last one within the version. `previous` pairs a column with the one whose value before
    its present one it has, which need not be that of the version before. The first version keeps what is
    stored: that is from when the dimension had no history.

    Of a version that is there it is said whether it differs: in its period, in a column that a row can
    correct, in one that is `written`.
    """

    title: ClassVar[str] = "build versions"
    rows: Rows
    time: str
    columns: tuple[str, ...]
    types: dict[str, str]
    tracked: tuple[str, ...]
    all_versions: tuple[str, ...]
    first_value: tuple[str, ...]
    previous: tuple[tuple[str, str], ...]
    corrected: tuple[str, ...]
    written: tuple[str, ...]
    since_ever: bool
    fresh: bool

    @property
    def plain(self) -> tuple[str, ...]:
        """The columns whose value is that of the last row within a version."""
        special = {*self.all_versions, *self.first_value, *(name for name, _ in self.previous)}
        return tuple(name for name in self.columns if name not in special)

    @property
    def carried(self) -> tuple[str, ...]:
        """The columns that a row of this run has: all but previous values."""
        of = {name for name, _ in self.previous}
        return tuple(name for name in self.columns if name not in of)

    @property
    def befores(self) -> tuple[Previous, ...]:
        """The previous values, with names of what is computed on the way to them."""
        return tuple(
            Previous(name, of, f"$before{n}", f"$stretch{n}")
            for n, (name, of) in enumerate(self.previous, 1)
        )

    @property
    def scratch(self) -> tuple[Table, ...]:
        """The versions as they should be."""
        return (self.line.versions,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCorrected(Timeline):
    """Count the members of which a row of this run changes a version that is there, without a new one."""

    title: ClassVar[str] = "count corrected"
    measure: ClassVar[Measure] = "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRepeated(Timeline):
    """Count the rows of this run that say nothing new of their member."""

    title: ClassVar[str] = "count repeated"
    measure: ClassVar[Measure] = "unchanged"
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteVersions(Timeline):
    """Write what has changed of versions that are there, and count those that have another period now.

    They are closed by the next version, or begin earlier. `columns` are what else a version can have anew.
    """

    title: ClassVar[str] = "write versions"
    measure: ClassVar[Measure] = "closed"
    columns: tuple[str, ...]

    @property
    def changes(self) -> str:
        """Rows of its own table."""
        return self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertVersions(Timeline):
    """Insert the versions that are new; only they take a key (TRAPS 24)."""

    title: ClassVar[str] = "insert versions"
    measure: ClassVar[Measure] = "inserted"
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertFirst(Timeline):
    """Insert a version for each row, into an empty table: `rows` has the time in the column `time`.

    With one row for each member there is nothing to put in order (benchmarks/NOTES.md). `key` is as in
    InsertNew.
    """

    title: ClassVar[str] = "insert first"
    measure: ClassVar[Measure] = "inserted"
    rows: Rows
    time: str
    columns: tuple[str, ...]
    since_ever: bool
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepointFacts(Timeline):
    """Point facts to the version that was valid at their time, where it is another one now (TRAPS 29).

    The time is the `time` of the fact, or with a `calendar` the day in the column `time` of that table, whose
    key is `calendar_key` and which the fact refers to by `calendar_column`. Looked for `always`, it is where
    no version gets another period in this run too: the run of another mapping may have made it.
    """

    title: ClassVar[str] = "repoint facts"
    measure: ClassVar[Measure] = "repointed"
    fact: Table
    column: str
    time: str
    calendar: Table | None = None
    calendar_key: str = ""
    calendar_column: str = ""
    always: bool = False

    @property
    def changes(self) -> str:
        """Rows of the fact."""
        return self.fact.name
