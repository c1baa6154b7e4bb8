"""What the databases said before planning, as values: types of queries, tables that exist, progress made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date

from engine.mapping.model import Dimension, Entry
from engine.mapping.owned import INFERRED_AT, IS_INFERRED
from engine.plan.span import Span
from engine.plan.steps import Periods, StagedColumn
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class TableState:
    """A table of the warehouse as it is now; `empty` means that it holds no row (or does not exist).

    `unique` are columns that no two rows share; among `indexes` are those too that look at some rows only.
    `unfilled` are the columns for which the database itself has no value: no identity and no default.
    `partitions` are by name, each with its range of days, None for a range of anything else. A table is
    `plain` when a row that is tried is in it then or is not, and that is all: it has no partitions, no
    trigger that hears of it, no sequence that counts it.
    """

    columns: Mapping[str, str] = field(default_factory=dict)  # name: type
    descriptions: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    primary_key: tuple[str, ...] = ()
    primary_name: str = ""  # of its constraint
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # unique ones, by name
    computed: frozenset[str] = frozenset()  # names of unique indexes over expressions
    checks: frozenset[str] = frozenset()  # names of the constraints
    not_null: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)  # name: expression
    unfilled: frozenset[str] = frozenset()
    partitioned_by: tuple[str, ...] = ()
    partitions: Mapping[str, tuple[date, date] | None] = field(default_factory=dict)
    empty: bool = True
    plain: bool = True

    @property
    def exists(self) -> bool:
        """Whether the table is there at all."""
        return bool(self.columns)


@dataclass(frozen=True, slots=True)
class ViewState:
    """What is there under the name of a role: its columns with their types, and the one table it is of."""

    columns: tuple[tuple[str, str], ...] = ()
    table: str = ""
    description: str = ""
    is_view: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """From where an entry is read: `low` is the watermark, None for the beginning; `reason` says why.

    Of several cursors the others begin at `further`. `reconcile` brings even a fact that is only appended to
    in line with the source: after a full refresh was asked for, or when the definition or the source itself
    has changed since the last run.

    With a `span` the rows of these days alone are read and brought in line, and the watermark stays; `stale`
    says that an ordinary run would have had to read everything, which then has to follow.

    Where it is `outdated`, rows that this run does not load again are of an earlier definition or source, or
    refer to dimensions whose members have other keys now.
    """

    low: str | None = None
    reason: str = ""
    reconcile: bool = False
    further: tuple[str | None, ...] = ()
    span: Span | None = None
    stale: bool = False
    outdated: bool = False

    def lows(self, cursors: int) -> tuple[str | None, ...]:
        """Return from where each of so many cursors begins."""
        known = (self.low, *self.further)[:cursors]
        return (*known, *([None] * (cursors - len(known))))


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a plan depends on beside the mapping.

    `sources`: the columns of each entry's query. `types`: by entry, the type of each column of the star by
    its name, that of an expression before its cast by `=name`, and that of each value that a lookup compares
    by `lookup.column` (see shape.probe_name). `tables`: by entry.
    `measures`: what the view of the star's measures says, None when it is not there.
    `views`: what has the name of a role or of a view of present versions, and every view of a role.
    `today`: what the warehouse's clock says, in UTC.
    `loaded`: by dimension, the mapping that loaded it last and its definition then (plan.drift).
    `kept`: the calendars and clocks whose rows are those that this run would make (plan.kept).
    `strayed`: by dimension, the special members that are not in the table as the mapping says.
    `periods`: of each periodic snapshot the periods to read.
    `limits`: by entry and type, the text beyond which a cursor cannot be true (tomorrow's orders, infinity).
    `moments`: by entry and type of a time, the time of the run by the clock of the entry's source.
    `taken`: names of tables, indexes and the like in the star's schema, those that begin as a dimension's.
    `held`: by fact, the types of the columns of the rows that wait, where there is a table of them.
    `borders`: by entry that is read in several streams, where one ends and the next begins (plan.streams).
    `abandoned`: the tables that this mapping has loaded, and whose entries it has no more.
    `allow_deletes`: however many rows are gone from a source, that is right.
    """

    sources: Mapping[str, tuple[StagedColumn, ...]]
    types: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, TableState] = field(default_factory=dict)
    readings: Mapping[str, Reading] = field(default_factory=dict)
    periods: Mapping[str, Periods] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    schema_exists: bool = False
    btree_gist: bool = False  # whether that extension is installed
    measures: tuple[tuple[str, ...], ...] | None = None
    views: Mapping[str, ViewState] = field(default_factory=dict)
    loaded: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    strayed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    today: date = date(1, 1, 1)
    moments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    allow_deletes: bool = False
    taken: frozenset[str] = frozenset()
    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    borders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    abandoned: tuple[str, ...] = ()


def state_of(entry: Entry, world: World) -> TableState:
    """Return the table of an entry as it is now."""
    return world.tables.get(entry.name, TableState())


def infers(entry: Entry, world: World) -> bool:
    """Say whether members of a dimension may be inferred: a fact of this star says so, or its table does.

    A table that has the columns keeps them, so that members are completed that another mapping has inferred,
    or this one when it said so.
    """
    if not isinstance(entry, Dimension) or entry.generated or entry.junk:
        return False
    present = {
        name: type_
        for name, type_ in state_of(entry, world).columns.items()
        if name not in {column.name for column in entry.columns}
    }
    has = (present.get(IS_INFERRED), present.get(INFERRED_AT))
    return bool(entry.inferred_by) or has == ("boolean", "timestamp with time zone")


def reads_all(entry: Entry, world: World) -> bool:
    """Say whether this run reads every row of an entry's query."""
    cursor = entry.source.cursor if entry.source else None
    low = world.readings.get(entry.name, Reading()).low
    return cursor is None or (low is None and cursor.null != "never")


def in_part(entry: Entry, world: World) -> bool:
    """Say whether a range of days alone is brought in line, what is gone of it too (plan.backfill)."""
    return world.readings.get(entry.name, Reading()).span is not None
