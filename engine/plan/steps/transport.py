"""Steps that bring rows from the source into the stage, and what is asked of them there."""

from __future__ import annotations

from datetime import date
from itertools import accumulate
from typing import ClassVar

from engine.mapping.clock import parts
from engine.mapping.country import Holiday, Name
from engine.mapping.model import Calendar, Clock, Period
from engine.plan.steps.base import ColumnDefinition, Measure, Step, Table
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStage(Step):
    """Make the unlogged table that takes the rows of one query."""

    title: ClassVar[str] = "create stage"
    stage: Table
    columns: tuple[ColumnDefinition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropStage(Step):
    """Remove a stage table."""

    title: ClassVar[str] = "drop stage"
    stage: Table


@dataclass(frozen=True, slots=True)
class StagedColumn:
    """A column of a source query: `type` is what it has in the stage, `cast` what the source casts it to."""

    name: str
    type: str
    cast: str = ""


@dataclass(frozen=True, slots=True)
class Border:
    """From where on one cursor of several is new, as a Window says it."""

    column: str
    type: str
    low: str | None
    nulls: bool


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows an incremental read asks for: cursor >= `low`, half-open towards the future.

    `low` is the server's own text (TRAPS 5); None reads from the beginning. Rows that equal `low` are
    read again and recognised by their key (TRAPS 3). `nulls` says whether rows without a cursor come too.
    `keys` are columns of the query: where a row of a key is asked for, all rows of that key are, so that the
    one that wins among them is the one that would win among all (TRAPS 23). With `further` cursors a row
    is asked for that is new by any of them (TRAPS 6).
    With `high` it is a range of the first column, which ends before it.
    """

    column: str
    type: str
    low: str | None
    nulls: bool
    keys: tuple[str, ...] = ()
    further: tuple[Border, ...] = ()
    high: str | None = None

    @property
    def borders(self) -> tuple[Border, ...]:
        """What is new by each of the cursors."""
        return (Border(self.column, self.type, self.low, self.nulls), *self.further)


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods that a periodic snapshot reads, by their first days, both included.

    The query is run for each of them, and `column` says in each row of which one it is. One that tells how
    things are `now` can tell of no other period.
    """

    column: str
    every: Period
    first: date
    last: date
    now: bool = False

    @property
    def any(self) -> bool:
        """Whether there is one at all."""
        return self.first <= self.last


@dataclass(frozen=True, slots=True)
class Part:
    """A range of a column, half-open; without `low` it has the rows too that have no value there."""

    column: str
    type: str
    low: str | None
    high: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBorders(Step):
    """Ask a source where to cut a column into so many parts of the same width; no cuts when it has no values.

    Wherever they are, the parts have each row once: so it is no matter that they are of another snapshot.
    """

    title: ClassVar[str] = "read borders"
    connection: str
    query: str
    column: str
    type: str
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Step):
    """Stream a query of the source into its stage; the count is what the source says it sent.

    With a `part` it is one of several streams, each of its range.
    """

    title: ClassVar[str] = "copy"
    measure: ClassVar[Measure] = "read"
    connection: str
    query: str
    columns: tuple[StagedColumn, ...]
    window: Window | None
    stage: Table
    periods: Periods | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRows(Step):
    """Ask the source's planner how many rows a copy will send, so that who waits knows how long."""

    title: ClassVar[str] = "estimate rows"
    copy: Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSource(Step):
    """Count in the source, apart from the copy, the rows that it was asked for."""

    title: ClassVar[str] = "count source"
    connection: str
    query: str
    window: Window | None
    periods: Periods | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountNullCursors(Step):
    """Count the rows of the source that have no cursor and are never read (TRAPS 4)."""

    title: ClassVar[str] = "count null cursors"
    connection: str
    query: str
    column: str
    further: tuple[str, ...] = ()  # of several cursors none has a value in such a row


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCalendar(Step):
    """Generate the days of a calendar into its stage, with what a language calls months and days."""

    title: ClassVar[str] = "fill calendar"
    measure: ClassVar[Measure] = "read"
    stage: Table
    calendar: Calendar
    key: str
    columns: tuple[str, ...]
    months: tuple[Name, ...]
    days: tuple[Name, ...]
    holidays: tuple[Holiday, ...] = ()

    @property
    def first_day(self) -> int:
        """The ISO number of the day on which a week starts: 1 for Monday, 7 for Sunday."""
        return {"monday": 1, "saturday": 6, "sunday": 7}[self.calendar.week_starts]

    @property
    def ends(self) -> tuple[int, ...]:
        """With which weeks of a quarter its fiscal months end: 4, 8 and 13 of 4-4-5; none without."""
        return tuple(accumulate(self.calendar.fiscal_pattern))


@dataclass(frozen=True, slots=True, kw_only=True)
class FillClock(Step):
    """Generate the steps of a day into the stage of a clock; `step` is an interval."""

    title: ClassVar[str] = "fill clock"
    measure: ClassVar[Measure] = "read"
    stage: Table
    clock: Clock
    step: str
    key: str
    columns: tuple[str, ...]

    @property
    def parts(self) -> tuple[tuple[str, str, str], ...]:
        """The parts of the day: begin, end, name."""
        return tuple(parts(self.clock))

    @property
    def label(self) -> str:
        """How a time is written in full."""
        return "HH24:MI:SS" if self.clock.step == "second" else "HH24:MI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyze(Step):
    """Give the planner statistics of a table that was just filled (TRAPS 17)."""

    title: ClassVar[str] = "analyze"
    table: Table


@dataclass(frozen=True, slots=True)
class Reached:
    """A cursor whose highest value is asked, at or above `low` where there is one, and below `limit`.

    With `counted`, a row without it is always read, and counts as one without a cursor; with `forbidden`
    there may be none.
    """

    column: str
    type: str
    limit: str
    low: str | None = None
    forbidden: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCursors(Step):
    """Count the staged rows without a cursor (TRAPS 4), and find the highest cursor, as the server's text.

    Nothing beyond `limit` counts as the highest. With `forbidden` no row may be without. The same scan counts
    the rows in which one of the `keys` is NULL; it may be that nobody has to look for them then.
    """

    title: ClassVar[str] = "read cursors"
    stage: Table
    column: str
    type: str
    limit: str
    forbidden: bool = False
    further: tuple[Reached, ...] = ()
    keys: tuple[str, ...] = ()
    low: str | None = None  # what it was before: rows may be there that another cursor asked for
    counted: bool = True

    @property
    def cursors(self) -> tuple[Reached, ...]:
        """Every cursor of the source."""
        own = Reached(self.column, self.type, self.limit, self.low, self.forbidden, self.counted)
        return (own, *self.further)

    @property
    def counts(self) -> tuple[str, ...]:
        """The columns of which a row that lacks one counts as one without a cursor."""
        return tuple(each.column for each in self.cursors if each.counted)
