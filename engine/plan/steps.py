"""The kinds of step. One step is one template, one statement, one row count and one line of the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from engine.mapping.model import Calendar, Check, Scalar

Measure = Literal["read", "unchanged", "updated", "inserted", "deleted", "rejected", "failed", ""]


@dataclass(frozen=True, slots=True)
class Table:
    """A table by schema and name, both unquoted."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column as it stands in a CREATE TABLE; `type` is spelled as the database spells it."""

    name: str
    type: str
    description: str = ""
    identity: bool = False
    not_null: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A column of the star as computed from a staged row: a copy, or an expression over the query.

    `cast` is the type to bring it to, empty when it has that type already.
    """

    name: str
    type: str
    expression: str | None = None
    cast: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """A lookup: `column` gets the key of the member of `table` whose natural key equals the values."""

    column: str
    table: Table
    key: str
    on: tuple[Value, ...]  # named as the dimension's natural key columns
    unknown: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The staged rows that are not rejected, in the shape of the target."""

    stage: Table
    values: tuple[Value, ...]
    joins: tuple[Join, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the target's columns that these rows fill: lookup keys first, then values."""
        return (*(join.column for join in self.joins), *(value.name for value in self.values))

    @property
    def types(self) -> dict[str, str]:
        """The type of each value by column name; lookup keys are not in it."""
        return {value.name: value.type for value in self.values}

    def only(self, names: tuple[str, ...]) -> Rows:
        """Return the same rows with these columns alone, so that nothing else is computed."""
        return Rows(
            self.stage,
            tuple(value for value in self.values if value.name in names),
            tuple(join for join in self.joins if join.column in names),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What all steps share: the entry they work for, and which count of the report their rows are."""

    measure: ClassVar[Measure] = ""
    title: ClassVar[str] = ""

    entry: str = ""


# --- the schema of the star


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchema(Step):
    """Make the schema of the star."""

    title: ClassVar[str] = "create schema"
    schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable(Step):
    """Make a dimension or fact table, without its keys."""

    title: ClassVar[str] = "create table"
    table: Table
    columns: tuple[ColumnDefinition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn(Step):
    """Add a column that the mapping has and the table has not."""

    title: ClassVar[str] = "add column"
    table: Table
    column: ColumnDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class WidenColumn(Step):
    """Give a column a type that holds every value of its present one."""

    title: ClassVar[str] = "widen column"
    table: Table
    column: ColumnDefinition
    present: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropNotNull(Step):
    """Let a column be empty that the mapping no longer fills: a lookup that was taken out."""

    title: ClassVar[str] = "drop not null"
    table: Table
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPrimaryKey(Step):
    """Declare the primary key; after the rows are in, which is three times quicker (MEASURED)."""

    title: ClassVar[str] = "add primary key"
    table: Table
    columns: tuple[str, ...]
    not_null: tuple[str, ...] = ()  # what else CREATE TABLE AS could not declare


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUniqueIndex(Step):
    """Let the database itself refuse a second member of one natural key."""

    title: ClassVar[str] = "add unique index"
    table: Table
    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeTable(Step):
    """Store the description of the table."""

    title: ClassVar[str] = "describe table"
    table: Table
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeColumn(Step):
    """Store the description of one column."""

    title: ClassVar[str] = "describe column"
    table: Table
    column: str
    description: str


# --- from the source into the stage


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
class Window:
    """Which rows an incremental read asks for: cursor >= `low`, half-open towards the future.

    `low` is the server's own text (TRAPS 5); None reads from the beginning. Rows that equal `low` are
    read again and recognised by their key (TRAPS 3). `nulls` says whether rows without a cursor come too.
    """

    column: str
    type: str
    low: str | None
    nulls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Step):
    """Stream a query of the source into its stage; the count is what the source says it sent."""

    title: ClassVar[str] = "copy"
    measure: ClassVar[Measure] = "read"
    connection: str
    query: str
    columns: tuple[StagedColumn, ...]
    window: Window | None
    stage: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class CountNullCursors(Step):
    """Count the rows of the source that have no cursor and are never read (TRAPS 4)."""

    title: ClassVar[str] = "count null cursors"
    connection: str
    query: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCalendar(Step):
    """Generate the days of a calendar into its stage."""

    title: ClassVar[str] = "fill calendar"
    measure: ClassVar[Measure] = "read"
    stage: Table
    calendar: Calendar
    key: str
    columns: tuple[str, ...]

    @property
    def first_day(self) -> int:
        """The ISO number of the day on which a week starts: 1 for Monday, 7 for Sunday."""
        return {"monday": 1, "saturday": 6, "sunday": 7}[self.calendar.week_starts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyze(Step):
    """Give the planner statistics of a table that was just filled (TRAPS 17)."""

    title: ClassVar[str] = "analyze"
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class CountStagedNullCursors(Step):
    """Count the staged rows that have no cursor: they are read in every run, or forbidden (TRAPS 4)."""

    title: ClassVar[str] = "count null cursors"
    stage: Table
    column: str
    forbidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HighestCursor(Step):
    """Find the highest cursor that was read, as the server's text; nothing beyond `limit` counts."""

    title: ClassVar[str] = "highest cursor"
    stage: Table
    column: str
    type: str
    limit: str


# --- rows that cannot be loaded


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectMissing(Step):
    """Mark rows for which a lookup finds no member."""

    title: ClassVar[str] = "reject missing"
    measure: ClassVar[Measure] = "rejected"
    stage: Table
    join: Join
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveFound(Step):
    """Count the rows for which a lookup finds no member; there must be none."""

    title: ClassVar[str] = "prove found"
    measure: ClassVar[Measure] = "failed"
    stage: Table
    join: Join
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveFilled(Step):
    """Count 1 when there is nothing to load, by which a `replace` would empty the table (TRAPS 9)."""

    title: ClassVar[str] = "prove filled"
    measure: ClassVar[Measure] = "failed"
    stage: Table
    rule: Rule


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
    rules: tuple[Rule, ...]


# --- from the stage into the star


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CountUnchanged(Step):
    """Count the rows that are in the target as they are; with `compare` empty, by their key alone."""

    title: ClassVar[str] = "count unchanged"
    measure: ClassVar[Measure] = "unchanged"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    compare: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateChanged(Step):
    """Update the rows of the target that differ (TRAPS 20, 25)."""

    title: ClassVar[str] = "update changed"
    measure: ClassVar[Measure] = "updated"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    compare: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertNew(Step):
    """Insert the rows whose key the target has not; with `match` empty, all of them (TRAPS 24)."""

    title: ClassVar[str] = "insert new"
    measure: ClassVar[Measure] = "inserted"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFilled(Step):
    """Make a table of its rows: the only way in which PostgreSQL fills one in parallel (MEASURED)."""

    title: ClassVar[str] = "create filled"
    measure: ClassVar[Measure] = "inserted"
    table: Table
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGone(Step):
    """Delete the rows that the source no longer has, unless a fact refers to them."""

    title: ClassVar[str] = "delete gone"
    measure: ClassVar[Measure] = "deleted"
    table: Table
    rows: Rows
    match: tuple[str, ...]
    key: str = ""
    referenced_by: tuple[tuple[Table, str], ...] = ()


# --- before the commit


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRows(Step):
    """Count the rows of this run, as they now stand in the target, that break a row-wise check.

    With `rows` None the whole table is looked at: every row of it came in this run.
    """

    title: ClassVar[str] = "check"
    table: Table
    rows: Rows | None
    match: tuple[str, ...]
    condition: Condition
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUnique(Step):
    """Count the rows of the target that share the values of a row of this run."""

    title: ClassVar[str] = "check"
    table: Table
    rows: Rows | None
    match: tuple[str, ...]
    columns: tuple[str, ...]
    check: Check
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRowCount(Step):
    """Count the rows of the target and say whether there are too few or too many."""

    title: ClassVar[str] = "check"
    table: Table
    check: Check
    low: int
    high: int
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFreshness(Step):
    """Say whether the newest value of a column is too old by the warehouse's clock."""

    title: ClassVar[str] = "check"
    table: Table
    column: str
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckQuery(Step):
    """Count the rows that a free query returns; there should be none."""

    title: ClassVar[str] = "check"
    table: Table
    check: Check


CheckStep = CheckRows | CheckUnique | CheckRowCount | CheckFreshness | CheckQuery


# --- the plan


@dataclass(frozen=True, slots=True)
class StagePlan:
    """How one entry gets into its stage: made and filled on its own connections, beside the others."""

    entry: str
    create: CreateStage
    fill: Copy | FillCalendar
    analyze: Analyze
    null_cursors: CountNullCursors | CountStagedNullCursors | None = None
    highest: HighestCursor | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know about the plan, with the entry it concerns."""

    entry: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run does, in order: schema, stages (side by side), load and checks (one transaction)."""

    mapping: str
    schema: tuple[Step, ...]
    stages: tuple[StagePlan, ...]
    load: tuple[Step, ...]
    checks: tuple[CheckStep, ...]
    source_counts: tuple[tuple[str, Check], ...] = ()
    fingerprints: dict[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What one step did: `rows` is the count of its statement, `measure` the count of the report it is."""

    entry: str
    title: str
    measure: str
    rows: int
    seconds: float
