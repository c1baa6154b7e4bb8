"""What a file of cases says, as frozen values; each knows its place in the file."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Literal

from engine.errors import Place
from engine.mapping.load import Loaded
from engine.plan.span import Span
from engine.values import dataclass

Kind = Literal["insert", "update", "delete", "sql"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is written, None for NULL; `any` stands for whatever is not NULL."""

    text: str | None
    place: Place
    any: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells by column; a column of the member that a key names is `key.column`."""

    cells: tuple[tuple[str, Cell], ...]
    place: Place

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, as written."""
        return tuple(name for name, _ in self.cells)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the source: rows of a table, or SQL."""

    kind: Kind
    place: Place
    table: str = ""
    rows: tuple[Row, ...] = ()
    sql: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedTable:
    """What a table of the star holds; None where nothing is said."""

    name: str
    place: Place
    rows: tuple[Row, ...] | None = None
    contains: tuple[Row, ...] | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ExpectedNumber:
    """A number of an entry: a count of its report, or the rows that break one of its checks."""

    entry: str
    name: str
    number: int
    place: Place


@dataclass(frozen=True, slots=True)
class Expect:
    """What is so after a run. `checks` are all that do not pass, None when nothing is said of them."""

    place: Place
    tables: tuple[ExpectedTable, ...] = ()
    counts: tuple[ExpectedNumber, ...] = ()
    checks: tuple[ExpectedNumber, ...] | None = None
    rejected: tuple[ExpectedTable, ...] = ()
    exit: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Changes, a run, and what is expected. `at` is what now() says, as text; empty for the real time."""

    place: Place
    name: str
    changes: tuple[Change, ...]
    expect: Expect
    at: str = ""
    select: tuple[str, ...] = ()
    full_refresh: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table of the source to be made: its columns, each with what stands behind it in CREATE TABLE."""

    name: str
    columns: tuple[tuple[str, str], ...]
    place: Place = field(compare=False, default_factory=Place)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the databases of a case begin with; cases with an equal one share its template."""

    source: tuple[Path, ...] = ()
    tables: tuple[SourceTable, ...] = ()
    warehouse: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a suite, with the mapping as its vars make it."""

    name: str
    place: Place
    loaded: Loaded
    setup: Setup
    steps: tuple[Step, ...]
