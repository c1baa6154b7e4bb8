"""What all steps are made of: tables, columns, the rows of a stage in the shape of their target."""

from __future__ import annotations

import re
from datetime import date
from typing import ClassVar, Literal

from engine.values import dataclass

Measure = Literal[
    "read",
    "unchanged",
    "updated",
    "inserted",
    "closed",
    "deleted",
    "returned",
    "inferred",
    "held",
    "released",
    "filled",
    "repointed",
    "rejected",
    "failed",
    "",
]


PLAIN = re.compile("[a-z_][a-z0-9_]*")


def quoted(name: str) -> str:
    """Return a name as a person writes it in SQL: in quotes only where it needs them."""
    return name if PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Table:
    """A table by schema and name, both unquoted; as a text it is as SQL names it, quoted where need be."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column as it stands in a CREATE TABLE; `type` is spelled as the database spells it.

    `default` is what rows have that say nothing about the column; None is no default. `computed` is an
    expression in place of it, which only rows get that are new.
    """

    name: str
    type: str
    description: str = ""
    identity: bool = False
    not_null: bool = False
    default: str | bool | int | None = None
    computed: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A column of the star as computed from a staged row: a copy, or an expression over the query.

    `cast` is the type to bring it to, empty when it has that type already. With a `step`, an interval, it is
    a time of day, brought down to the begin of the step that it is in.
    """

    name: str
    type: str
    expression: str | None = None
    cast: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """A lookup: `column` gets the key of the member of `table` whose natural key equals the values.

    Of a dimension with history it is the version that is current, or was valid at the time `as_of`. With
    `closes` members may have ended, and of one that has it is the last version. Rows without a member get the
    key `unknown`, those without a natural key the key `null`, where one is given. With `nulls`, a NULL equals
    a NULL, and special members are passed over.
    """

    column: str
    table: Table
    key: str
    on: tuple[Value, ...]  # named as the dimension's natural key columns
    unknown: int | None = None
    history: bool = False
    closes: bool = False
    as_of: Value | None = None
    nulls: bool = False
    null: int | None = None


@dataclass(frozen=True, slots=True)
class StandIn:
    """The key of a special member, which all rows get in `column` that have no member of their own.

    `why` says of such rows what it means, and what can be done.
    """

    column: str
    key: int
    why: str


@dataclass(frozen=True, slots=True)
class Within:
    """A half-open range of a table: of days, or of days as numbers."""

    column: str
    low: date | int
    high: date | int


@dataclass(frozen=True, slots=True)
class Rows:
    """The staged rows that are not rejected, in the shape of the target; with `rejected`, those too.

    Those of a table `filled`, which have that shape already, come with them.
    """

    stage: Table
    values: tuple[Value, ...]
    joins: tuple[Join, ...] = ()
    rejected: bool = False
    filled: Table | None = None

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
            self.rejected,
            self.filled,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What all steps share: the entry they work for, when they are spared, which count their rows are."""

    measure: ClassVar[Measure] = ""
    title: ClassVar[str] = ""

    entry: str = ""
    # Columns, each with the expression that it gets in every row that is changed (plan.audit).
    stamps: tuple[tuple[str, str], ...] = ()
    several: bool | None = None  # done only where CountSeveral found keys (True), or none (False)

    @property
    def changes(self) -> str:
        """The entry of whose table rows are changed; empty when none are."""
        return ""

    @property
    def reads(self) -> str:
        """The entry whose staged rows it is about."""
        return self.entry

    @property
    def scratch(self) -> tuple[Table, ...]:
        """The tables that it makes for this run alone."""
        return ()

    @property
    def called(self) -> str:
        """What a log and the ledger call it: its title, and of a check also which one."""
        return self.title
