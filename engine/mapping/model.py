"""What is wanted, as frozen values: each entry in its long form, after defaults and Jinja."""

from __future__ import annotations

from dataclasses import field
from datetime import date
from decimal import Decimal
from typing import Literal

from engine.mapping.order import in_order
from engine.values import dataclass

Scalar = str | int | float | bool | None
DimensionLoad = Literal["upsert", "insert", "replace"]
FactLoad = Literal["append", "upsert", "replace", "accumulate", "snapshot"]
Missing = Literal["unknown", "hold", "infer", "reject", "fail"]
NullCursor = Literal["always", "never", "fail"]
CheckKind = Literal[
    "not_null", "unique", "accepted", "range", "references", "row_count", "freshness", "sql"
]
# The kinds that say which row is wrong.
ROW_WISE: tuple[CheckKind, ...] = ("not_null", "accepted", "range", "references")
Severity = Literal["error", "warn"]
Versioned = Literal[0, 1, 2]
Period = Literal["day", "week", "month", "year"]
Since = Literal["beginning", "effective"]
ClockStep = Literal["second", "minute", "quarter-hour", "hour"]
Cycles = Literal["fail", "warn"]
LookedUp = Literal["surrogate", "durable"]
Type1 = Literal["all", "current"]
LagUnit = Literal["seconds", "minutes", "hours", "days"]
Additivity = Literal["additive", "semi-additive", "non-additive"]
DeletePolicy = Literal["ignore", "flag", "close", "remove"]


@dataclass(frozen=True, slots=True)
class Connection:
    """A database by name: `env` is the prefix of its settings, `schema` where the star lives."""

    name: str
    env: str
    schema: str = "public"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The column that tells new rows from old ones, and what to do with rows where it is NULL.

    `lag` is in seconds: how long a run waits before its rows count as settled, when the engine
    cannot see the open transactions of the source (or when values are written late by design).
    """

    column: str
    null: NullCursor = "always"
    lag: int | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much may be wrong: at most `rows`, or at most `percent` of the rows looked at."""

    rows: int = 0
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Deletes:
    """What becomes of rows that the source no longer has, and how many there may be in one run.

    `policy` is empty where `load` says it: a replace deletes them.
    """

    policy: DeletePolicy | Literal[""]
    tolerance: Tolerance
    path: str = ""


@dataclass(frozen=True, slots=True)
class Parallel:
    """In how many streams all of a query is read, by ranges of which column; empty: one of the key's."""

    streams: int
    by: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A query on one connection. `dedupe` is an ORDER BY list: of equal keys the first row wins.

    With `more_cursors` beside `cursor`, a row is new when any of them says so.
    `range` is the column by which a range of days is chosen, when a fact is backfilled.
    """

    query: str
    connection: str = "source"
    cursor: Cursor | None = None
    more_cursors: tuple[Cursor, ...] = ()
    dedupe: str | None = None
    allow_empty: bool = False
    range: str = ""
    deletes: Deletes | None = None
    parallel: Parallel | None = None
    path: str = ""

    @property
    def cursors(self) -> tuple[Cursor, ...]:
        """Every cursor, in the order of the file."""
        return (self.cursor, *self.more_cursors) if self.cursor else ()


@dataclass(frozen=True, slots=True)
class Holidays:
    """Whose public holidays a calendar knows, and the language of their names."""

    country: str
    subdivision: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """One row for each day from `start` to `end`, both included.

    With a `fiscal_pattern` the months of a fiscal year are so many whole weeks, in each quarter.
    """

    start: date
    end: date
    week_starts: Literal["monday", "sunday", "saturday"] = "monday"
    fiscal_year_starts: int = 1
    fiscal_pattern: tuple[int, ...] = ()
    locale: str = ""
    holidays: Holidays | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """How a column of a fact may be added up; a semi-additive one not over the columns `apart`."""

    kind: Additivity
    apart: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """One row for each step of a day; `day_parts` are names, each with the time HH:MM at which it begins."""

    step: ClockStep
    day_parts: tuple[tuple[str, str], ...]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the star: a copy of the query's column, or an SQL expression over the query.

    `scd` says what becomes of a member's value when it changes: 0 keeps the first, 1 the last, 2 makes a
    version of the member. With `previous`, it is the value that another column had before (type 3).
    """

    name: str
    expr: str | None = None
    type: str | None = None
    description: str = ""
    scd: Versioned = 1
    previous: str = ""
    measure: Measure | None = None
    unit: str = ""
    format: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A key column of a fact or another dimension, filled from `dimension`: its surrogate or durable key.

    `on` pairs each natural key column of the dimension with an SQL expression over the query; it is empty for
    a junk dimension that is made of these rows. `as_of` is an
    expression too: the time at which the version of the member that is looked up was valid. `scd` is as for
    a column, for lookups of a dimension.
    """

    column: str
    dimension: str
    on: tuple[tuple[str, str], ...]
    missing: Missing = "unknown"
    as_of: str | None = None
    scd: Versioned = 1
    key: LookedUp = "surrogate"
    description: str = ""
    role: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class SpecialMember:
    """A member that the engine owns: its key is zero or less, columns not named are NULL."""

    name: str
    key: int
    values: tuple[tuple[str, Scalar], ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. Which fields are filled depends on `kind`.

    not_null, unique: `columns`. accepted: `columns` (one) and `values`. range: `columns` (one),
    `low`, `high`, both included. references: `columns` (one) and `dimension`. row_count: `low`,
    `high`, or neither, which means: as many as the source. freshness: `columns` (one) and `max_age`
    in seconds. sql: `sql`, whose templates are rendered but for the text {{ this }}, which stands
    for the table and is replaced later.
    """

    kind: CheckKind
    columns: tuple[str, ...] = ()
    values: tuple[Scalar, ...] = ()
    low: Scalar = None
    high: Scalar = None
    dimension: str = ""
    max_age: int = 0
    sql: str = ""
    severity: Severity = "error"
    reject: bool = False
    tolerance: Tolerance = field(default_factory=Tolerance)
    name: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """That a dimension keeps a row for each version of a member.

    `effective` is an SQL expression over the query, since when a row is as it is; None is the time of the
    run. `first`: whether the first version is valid since ever. `type_1`: the versions that a change of a
    type 1 column is written to. `no_overlap`: whether the database itself refuses two versions at one time.
    """

    effective: str | None = None
    first: Since = "beginning"
    type_1: Type1 = "all"
    no_overlap: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """That members have a parent, and `table` each member with all that are above it.

    `parent` pairs each natural key column with the column that holds the parent's. `cycles`: what becomes of
    a run when members are their own ancestors.
    """

    parent: tuple[tuple[str, str], ...]
    table: str
    cycles: Cycles = "fail"
    path: str = ""


@dataclass(frozen=True, slots=True)
class Cache:
    """That the members of a dimension are kept in Redis too, each for `ttl` seconds."""

    ttl: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension: exactly one of `source`, `calendar`, `clock` and `junk` is given.

    `junk` names the entries whose rows have the combinations that are the members. `durable_key` is a column
    for a key that all versions of a member share. `inferred_by` is the path of the first lookup that makes
    members which are not there (missing: infer), empty without one.
    """

    name: str
    key: str
    natural_key: tuple[str, ...]
    columns: tuple[Column, ...]
    source: Source | None = None
    calendar: Calendar | None = None
    clock: Clock | None = None
    junk: tuple[str, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    load: DimensionLoad = "upsert"
    history: History | None = None
    durable_key: str = ""
    hierarchy: Hierarchy | None = None
    special_members: tuple[SpecialMember, ...] = ()
    cache: Cache | None = None
    checks: tuple[Check, ...] = ()
    audit: tuple[str, ...] = ()
    inferred_by: str = ""
    description: str = ""
    path: str = ""

    @property
    def generated(self) -> Calendar | Clock | None:
        """What the engine makes the members of by itself."""
        return self.calendar or self.clock


@dataclass(frozen=True, slots=True)
class Partition:
    """That a fact is stored by ranges of a date or timestamp, its column `by`, one for `every` period.

    Those of the present period and of `ahead` more are there before their rows. `keep` is for how long rows
    are kept, as a count of periods; None is for ever.
    """

    by: str
    every: Period
    ahead: int = 1
    keep: tuple[int, Period] | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """That a fact has rows for each period, whose first day is in `column`.

    `start` is a day of the first period, None for the present one; `lag` is in days: how long after its end
    a period is read again.
    """

    every: Period
    column: str
    start: date | None = None
    lag: int = 1
    path: str = ""


@dataclass(frozen=True, slots=True)
class Lag:
    """The time between two milestones of a fact, which is one of its `columns` too."""

    name: str
    start: str
    end: str
    unit: LagUnit = "days"
    description: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Bridge:
    """That the rows of a fact share out each value of `group`, a column or several, by their `weight`.

    `tolerance` is how far from 1 a sum may be; None is as far as rounding explains.
    """

    group: tuple[str, ...]
    weight: str
    tolerance: Decimal | None = None
    severity: Severity = "error"
    path: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact: one row for each value of its `grain`, columns or lookup keys of the fact.

    Of a fact that accumulates, `milestones` are columns that keep their value when the source tells none.
    """

    name: str
    source: Source
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    lookups: tuple[Lookup, ...] = ()
    load: FactLoad = "append"
    partition: Partition | None = None
    snapshot: Snapshot | None = None
    milestones: tuple[str, ...] = ()
    lags: tuple[Lag, ...] = ()
    bridge: Bridge | None = None
    checks: tuple[Check, ...] = ()
    audit: tuple[str, ...] = ()
    description: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """What the rows of a fact are grouped by: a `column` of its own, or of the dimension of a `lookup`."""

    name: str
    column: str
    lookup: str = ""
    description: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A table of a fact's rows, added up by groups; each run makes it equal to the query over the fact.

    `columns` are those of the groups, then those that are computed of each group's rows.
    """

    name: str
    fact: str
    by: tuple[Group, ...]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...] = ()
    description: str = ""
    path: str = ""

    @property
    def grain(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return tuple(group.name for group in self.by)

    @property
    def sums(self) -> tuple[Column, ...]:
        """The columns that are computed of the rows of a group."""
        return self.columns[len(self.by) :]

    @property
    def source(self) -> None:
        """It is read from no source."""

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """It looks nothing up: the fact has."""
        return ()

    @property
    def audit(self) -> tuple[str, ...]:
        """It is written as its fact is, and has no audit columns."""
        return ()

    @property
    def load(self) -> Literal["replace"]:
        """It is equal to what it is made of."""
        return "replace"


Entry = Dimension | Fact | Aggregate


@dataclass(frozen=True, slots=True)
class Star:
    """A whole mapping, in the order of the file; no dimension has the name of a fact."""

    name: str
    dimensions: tuple[Dimension, ...]
    facts: tuple[Fact, ...]
    connections: tuple[Connection, ...]
    description: str = ""
    aggregates: tuple[Aggregate, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every dimension, then every fact, then every aggregate: the order in which they are loaded.

        A dimension comes after those that it looks up; junk, which waits for other stages, as late as it can.
        """
        dimensions = {dimension.name: dimension for dimension in self.dimensions}
        late = sorted(self.dimensions, key=lambda dimension: bool(dimension.junk))
        order = in_order({d.name: [x.dimension for x in d.lookups] for d in late})
        return (*(dimensions[name] for name in order), *self.facts, *self.aggregates)

    def dimension(self, name: str) -> Dimension:
        """Return the dimension of that name; KeyError when there is none."""
        return {dimension.name: dimension for dimension in self.dimensions}[name]

    def connection(self, name: str) -> Connection:
        """Return the connection of that name; KeyError when there is none."""
        return {connection.name: connection for connection in self.connections}[name]
