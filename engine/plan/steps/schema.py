"""Steps that make the tables of the star what the mapping wants."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import ColumnDefinition, StandIn, Step, Table
from engine.values import dataclass


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
    partition_by: str = ""  # a column by whose ranges the table is partitioned


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn(Step):
    """Add a column that the mapping has and the table has not."""

    title: ClassVar[str] = "add column"
    table: Table
    column: ColumnDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefault(Step):
    """Give a column the default that it computes for new rows, or take it away."""

    title: ClassVar[str] = "set default"
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
    stand_ins: tuple[StandIn, ...] = ()  # as of ProveUnique


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUniqueIndex(Step):
    """Let the database itself refuse a second member of one natural key.

    With `where`, the name of a boolean column, among the rows alone in which it is true. `versions` tells of
    a table that may still have several rows of a member, as it had a history.
    """

    title: ClassVar[str] = "add unique index"
    table: Table
    name: str
    columns: tuple[str, ...]
    where: str = ""
    versions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIndex(Step):
    """Remove a unique index that holds no longer: a member gets several versions."""

    title: ClassVar[str] = "drop index"
    index: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPeriodCheck(Step):
    """Let the database itself refuse a version that ends before it begins (TRAPS 30)."""

    title: ClassVar[str] = "add period check"
    table: Table
    name: str
    low: str
    high: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddExclusion(Step):
    """Let the database itself refuse versions of a member whose periods overlap (TRAPS 40).

    `keys` pairs each column with the range type whose equality stands for its own, empty where the extension
    btree_gist compares it as it is. It is deferred, as the periods of several versions change one by one.
    """

    title: ClassVar[str] = "add exclusion"
    table: Table
    name: str
    keys: tuple[tuple[str, str], ...]
    period: str
    low: str
    high: str
    key: str


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
