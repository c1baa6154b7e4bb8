"""The warehouse, as what a cache asks of it: versions of dimensions, and members with their version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine import retry
from engine.cache.space import shown
from engine.database.connect import Sessions, engine_for, execute
from engine.database.failure import sentence
from engine.database.source import origin
from engine.database.versions import Change
from engine.errors import RunError, SettingsError
from engine.mapping.history import IS_CURRENT
from engine.mapping.model import Dimension, Star
from engine.plan.shape import bare, target
from engine.plan.steps import ReadChanged, ReadMembers, ReadTypes, ReadVersion, Step
from engine.settings import ConnectionSettings
from engine.sql.render import render
from engine.values import dataclass

BATCH = 1000  # members in one statement, or from a cursor at a time
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one statement has read: members by the number of their key, with the warehouse's text of it.

    `settled` says that the run that made this version has had its time to publish it.
    """

    version: str
    settled: bool
    members: dict[int, tuple[Key, str]]


class Warehouse:
    """Reads members. Connects when it is first asked, and again after a connection was lost."""

    def __init__(self, settings: ConnectionSettings, star: Star) -> None:
        self._settings = settings
        self._star = star
        self._sessions = Sessions()
        self._connection: Connection | None = None
        self._types: dict[str, tuple[str, ...]] = {}

    def close(self) -> None:
        """Close the connection."""
        self._sessions.close()
        self._connection = None

    def identity(self) -> str:
        """Return which warehouse this is."""
        return retry.retrying("reading the warehouse")(self._identity)

    def _identity(self) -> str:
        try:
            return origin(self._connected()).identity
        except DBAPIError as error:
            raise self._failure(error) from error

    def version(self, dimension: Dimension) -> str:
        """Return the version of a dimension, empty when no run has noted one."""
        (row,) = self._ask(ReadVersion(entry=dimension.name, table=target(self._star, dimension)))
        return str(row.version)

    def members(self, dimension: Dimension, keys: Sequence[Key]) -> Answer:
        """Read the members with these natural keys; SettingsError for a text that is no value."""
        rows = self._ask(
            ReadMembers(
                entry=dimension.name,
                table=target(self._star, dimension),
                natural_key=dimension.natural_key,
                types=self._key_types(dimension),
                columns=shown(dimension),
                wanted=tuple(keys),
                current=IS_CURRENT if dimension.history else "",
            )
        )
        found = {r.ordinal: (tuple(r.natural_key), r.member) for r in rows if r.member is not None}
        return Answer(rows[0].version, rows[0].settled, found)

    def _key_types(self, dimension: Dimension) -> tuple[str, ...]:
        if dimension.name not in self._types:
            table = target(self._star, dimension)
            known = {row[0]: row[1] for row in self._ask(ReadTypes(table=table))}
            gone = [name for name in shown(dimension) if name not in known]
            if gone:
                what = f"has no column '{gone[0]}'" if known else "does not exist"
                raise RunError(f"{table} {what} in the warehouse yet: `engine run` makes it")
            self._types[dimension.name] = tuple(bare(known[n]) for n in dimension.natural_key)
        return self._types[dimension.name]

    def _ask(self, step: Step) -> list[Any]:
        sql = render(step)
        return retry.retrying("reading the warehouse")(self._ask_once, sql)

    def _ask_once(self, sql: str) -> list[Any]:
        try:
            return list(execute(self._connected(), sql))
        except DBAPIError as error:
            raise self._failure(error) from error

    def _connected(self) -> Connection:
        if self._connection is None:
            engine = engine_for(self._settings, read_only=True)
            self._connection = self._sessions.connect(engine, autocommit=True)
        return self._connection

    def _failure(self, error: DBAPIError) -> RunError | SettingsError:
        if isinstance(error.orig, psycopg2.DataError):
            return SettingsError(f"the key is no value of its column: {sentence(error)}")
        if isinstance(error.orig, psycopg2.errors.UndefinedTable):
            self._types.clear()
            return RunError(
                f"the warehouse was not loaded by this version of the engine yet ({sentence(error)}): "
                "`engine run` makes what is missing"
            )
        if isinstance(error.orig, psycopg2.errors.UndefinedColumn):
            self._types.clear()
        self.close()
        return RunError(sentence(error), transient=retry.is_transient(error))


def changed(
    settings: ConnectionSettings, star: Star, change: Change, run_id: str
) -> Iterator[tuple[str, list[tuple[Key, str]]]]:
    """Give the members that a run wrote, in batches with the version; nothing when another run came after.

    The first batch is empty. All are of one snapshot.
    """
    dimension = star.dimension(change.entry)
    table = target(star, dimension)
    with Sessions() as sessions:
        connection = sessions.connect(engine_for(settings, read_only=True))
        execute(connection, "set transaction isolation level repeatable read").close()
        version = execute(connection, render(ReadVersion(table=table))).one().version
        if not version.startswith(run_id):
            return
        yield version, []
        step = ReadChanged(
            entry=dimension.name,
            table=table,
            natural_key=dimension.natural_key,
            columns=shown(dimension),
            transaction=change.transaction,
            current=IS_CURRENT if dimension.history else "",
        )
        streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH)
        with execute(streaming, render(step)) as result:
            for rows in result.partitions(BATCH):
                yield version, [(tuple(row.natural_key), row.member) for row in rows]


def identity(settings: ConnectionSettings) -> str:
    """Return which warehouse this is."""
    with Sessions() as sessions:
        connection = sessions.connect(engine_for(settings, read_only=True), autocommit=True)
        return origin(connection).identity
