"""Two embedded servers for the length of a test, and in them fresh databases for each case."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2

from engine.cases.model import Setup, SourceTable
from engine.database import ledger
from engine.database.connect import Sessions, engine_for
from engine.database.embedded import Embedded, Server, seed
from engine.errors import MappingError, Problem, RunError, SettingsError
from engine.mapping.model import Connection
from engine.settings import settings_for
from engine.sql.quote import ident
from engine.values import dataclass

MEMORY = Path("/dev/shm")  # noqa: S108  where a database is made in a sixth of the time
ROOM = 2 * 2**30  # bytes that must be free there
NOW = "engine_test.now"
# In these databases alone, now() says the time of the step where it has one.
SET_NOW = f"""
create or replace function pg_catalog.now() returns timestamptz language sql stable parallel safe as $$
  select coalesce(nullif(current_setting('{NOW}', true), '')::timestamptz, transaction_timestamp())
$$
"""
# Ends the servers when its input ends, that is, when this process does, by kill -9 too.
WATCH = 'read -r _; folder="$1"; shift; kill -QUIT "$@" 2>/dev/null && sleep 1; rm -rf "$folder"'


@dataclass(frozen=True, slots=True)
class Pair:
    """The databases of one case."""

    source: Server
    warehouse: Server

    def set_now(self, moment: str) -> None:
        """Let now() say this moment in sessions that begin from here on; the real one when it is empty."""
        for server in (self.source, self.warehouse):
            said = f"set {NOW} = '{moment}'" if moment else f"reset {NOW}"
            execute_outside(server, f"alter database {ident(server.database)} {said}")


class Servers:
    """A context in which the two servers run; `version` is a major version of the wheel."""

    def __init__(self, *, version: int | None = None, binaries: Path | None = None) -> None:
        self._how = {"version": version, "binaries": binaries}
        self._numbers = count(1)
        self._templates: dict[Setup, Pair] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="engine-test-", dir=_roomy()))
        self._folder.chmod(0o755)  # PostgreSQL's own user has to pass; what is in it is closed
        self._embedded = Embedded(self._folder, sync=False, **self._how)  # type: ignore[arg-type]
        try:
            self._embedded.start()
            self._watchman = watchman(self._embedded)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._remove()
        self._watchman.kill()
        self._watchman.communicate()

    def _remove(self) -> None:
        self._embedded.remove()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def fresh(self, setup: Setup) -> Iterator[Pair]:
        """Give a source and a warehouse that are made by the setup, and drop them afterwards."""
        template, name = self._template(setup), f"case_{next(self._numbers)}"
        pair = Pair(
            replace(template.source, database=name), replace(template.warehouse, database=name)
        )
        for server, origin in (
            (pair.source, template.source),
            (pair.warehouse, template.warehouse),
        ):
            execute_outside(server, _create(server, origin.database))
        try:
            yield pair
        finally:
            for server in (pair.source, pair.warehouse):
                execute_outside(server, f"drop database {ident(name)} with (force)")

    def _template(self, setup: Setup) -> Pair:
        with self._guard:
            if setup not in self._templates:
                name = f"template_of_cases_{next(self._numbers)}"
                source = replace(self._embedded.source, database=name)
                warehouse = replace(self._embedded.warehouse, database=name)
                for server in (source, warehouse):
                    execute_outside(server, _create(server, "template1"))
                    _define(server.admin_url(), SET_NOW)
                _fill(source, setup.source)
                for table in setup.tables:
                    _make(source, table)
                _grant(source)
                _fill(warehouse, setup.warehouse)
                _begin_ledger(warehouse)
                self._templates[setup] = Pair(source, warehouse)
            return self._templates[setup]


def _create(server: Server, template: str) -> str:
    return (
        f"create database {ident(server.database)} template {ident(template)} owner {server.owner}"
    )


def _fill(server: Server, files: Sequence[Path]) -> None:
    try:
        seed(server, files)
    except RunError as error:  # it names the file and the line, and no retry would mend them
        raise SettingsError(str(error)) from error


def _make(source: Server, table: SourceTable) -> None:
    columns = ", ".join(f"{ident(name)} {kind}" for name, kind in table.columns)
    try:
        _define(source.owner_url(), f"create table {table_name(table.name)} ({columns})")
    except psycopg2.Error as error:
        what = f"the table cannot be made: {said_by(error)}"
        raise MappingError([Problem(table.place, what)]) from error


def _grant(source: Server) -> None:
    """Let the engine's role read in schemas that the files made."""
    with closing(connect(source.owner_url())) as connection, connection, connection.cursor() as c:
        c.execute(
            "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'"
        )
        for (name,) in c.fetchall():
            c.execute(f"grant usage on schema {ident(name)} to {source.user}")
            c.execute(f"grant select on all tables in schema {ident(name)} to {source.user}")


def _begin_ledger(warehouse: Server) -> None:
    environ = {"WAREHOUSE_URL": warehouse.url()}
    settings = settings_for((Connection("warehouse", "WAREHOUSE"),), environ)["warehouse"]
    with Sessions() as sessions:
        ledger.migrate(sessions.connect(engine_for(settings)))


def table_name(name: str) -> str:
    """Return the name of a table, quoted; before a dot stands its schema."""
    return ".".join(ident(part) for part in name.split(".", 1))


def said_by(error: psycopg2.Error) -> str:
    """Return what the database says is wrong, in one line."""
    return (error.diag.message_primary or str(error)).strip().splitlines()[0]


def connect(url: str) -> psycopg2.extensions.connection:
    """Open a connection; whoever calls closes it."""
    return psycopg2.connect(url.replace("+psycopg2", "", 1), connect_timeout=10)


def _define(url: str, statement: str) -> None:
    with closing(connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def execute_outside(server: Server, statement: str) -> None:
    """Run a statement that no transaction may hold, as superuser, in a database that is always there."""
    connection = connect(replace(server, database="postgres").admin_url())
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)


def _roomy() -> Path | None:
    fits = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    return MEMORY if fits and shutil.disk_usage(MEMORY).free > ROOM else None


def watchman(embedded: Embedded) -> subprocess.Popen[bytes]:
    """Return a process that ends the servers when this one ends, however it does."""
    servers = (embedded.source, embedded.warehouse)
    pids = [(s.folder / "data/postmaster.pid").read_text().split("\n")[0] for s in servers]
    return subprocess.Popen(  # noqa: S603  no input of anybody's
        ["/bin/sh", "-c", WATCH, "sh", embedded.folder, *pids],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
