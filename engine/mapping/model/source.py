"""Where rows come from: a connection, the query, what is new of it, and what is gone."""

from __future__ import annotations

from typing import Literal

from engine.mapping.model.base import Tolerance
from engine.values import dataclass

NullCursor = Literal["always", "never", "fail"]
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
