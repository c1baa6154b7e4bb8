"""Real databases: two embedded servers for each test process, fresh databases for each test.

ENGINE_TEST_POSTGRES chooses the server: 18 (default), 16, or the path of another one's bin folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.database.embedded import Embedded, Server, seed

ROOT = Path(__file__).parents[1]
SEED = (ROOT / "init/source/01-schema.sql", ROOT / "init/source/02-seed-data.sql")
TEMPLATE = "seeded"
Row = tuple[Any, ...]
Query = Callable[[str, str], list[Row]]

# A job in the background of a shell ignores Ctrl-C, and so would the engines that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def query(url: str, sql: str) -> list[Row]:
    """Run SQL in a transaction of its own; return the rows of the last statement, if any."""
    with closing(connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def connect(url: str, *, autocommit: bool = False) -> psycopg2.extensions.connection:
    """Open a connection; whoever calls closes it."""
    connection = psycopg2.connect(url.replace("+psycopg2", "", 1), connect_timeout=10)
    connection.autocommit = autocommit
    return connection


@dataclass(frozen=True)
class Databases:
    """One test's own source, seeded, and warehouse, empty. The admin's URLs are a superuser's."""

    source: Server
    warehouse: Server

    @property
    def source_url(self) -> str:
        """As the role engine_reader, which may only read."""
        return self.source.url()

    @property
    def warehouse_url(self) -> str:
        """As the role engine, which owns the database."""
        return self.warehouse.url()

    @property
    def source_admin_url(self) -> str:
        """As a superuser: to write what the engine is to read."""
        return self.source.admin_url()

    @property
    def warehouse_admin_url(self) -> str:
        """As a superuser of the warehouse."""
        return self.warehouse.admin_url()

    @property
    def environment(self) -> dict[str, str]:
        """The variables from which the engine takes its connections."""
        return {"SOURCE_URL": self.source_url, "WAREHOUSE_URL": self.warehouse_url}

    @staticmethod
    def query(url: str, sql: str) -> list[Row]:
        """Run SQL in a transaction of its own and return the rows of the last statement."""
        return query(url, sql)

    @staticmethod
    def connect(url: str, *, autocommit: bool = False) -> psycopg2.extensions.connection:
        """Open a connection; whoever calls closes it."""
        return connect(url, autocommit=autocommit)


@pytest.fixture(scope="session", name="postgres")
def _postgres() -> dict[str, Any]:
    """The arguments of Embedded that choose the server of ENGINE_TEST_POSTGRES."""
    return postgres()


def postgres() -> dict[str, Any]:
    """Return the arguments of Embedded that choose the server of ENGINE_TEST_POSTGRES."""
    chosen = os.environ.get("ENGINE_TEST_POSTGRES", "18")
    return {"version": int(chosen)} if chosen.isdigit() else {"binaries": Path(chosen)}


def examples(many: int) -> int:
    """Return how many examples of a property to try: all on one server, a quarter of them on another."""
    return many if os.environ.get("ENGINE_TEST_POSTGRES", "18") == "18" else max(many // 4, 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a reviewer accept what the engine says, and what pgAdmin looks like, now."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew")
    pictures = "write docs/images anew (tests/compose/test_pgadmin.py)"
    parser.addoption("--update-screenshots", action="store_true", help=pictures)


@pytest.fixture(scope="session")
def servers() -> Iterator[Embedded]:
    """Two servers that outlive neither the tests nor, by a watchman, a killed test process."""
    with some_folder() as folder:
        embedded = Embedded(folder, sync=False, **postgres())
        embedded.start()
        with watchman(embedded) as guard:
            yield embedded
            guard.kill()  # its case has not come: they are stopped properly


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for embedded servers; what runs there at the end is stopped."""
    with some_folder() as path:
        yield path


@contextmanager
def some_folder() -> Iterator[Path]:
    """Make a folder for embedded servers; at the end, stop what runs there and delete it."""
    path = Path(tempfile.mkdtemp(prefix="engine-test-", dir=memory()))
    path.chmod(0o755)  # PostgreSQL's own user has to pass; data and passwords are closed to others
    try:
        yield path
    finally:
        Embedded(path).remove()
        shutil.rmtree(path)


def memory() -> Path | None:
    """Return a file system in memory if there is one with room enough.

    A test makes and drops databases of some 300 files: 0.2 s on ext4, 0.03 s in memory.
    """
    folder = Path("/dev/shm")
    roomy = folder.is_dir() and shutil.disk_usage(folder).free > 4 * 2**30
    return folder if roomy and os.access(folder, os.W_OK) else None


def watchman(embedded: Embedded) -> subprocess.Popen[bytes]:
    """Return a process that ends the servers when its input ends, that is, when we do."""
    servers = (embedded.source, embedded.warehouse)
    pids = [(s.folder / "data/postmaster.pid").read_text().split("\n")[0] for s in servers]
    script = (
        'read -r _; folder="$1"; shift; kill -QUIT "$@" 2>/dev/null && sleep 1; rm -rf "$folder"'
    )
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", embedded.folder, *pids],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.fixture(scope="session", name="query")
def _query() -> Query:
    """Run SQL: `query(url, sql)` returns rows."""
    return query


@pytest.fixture(scope="session")
def seeded(servers: Embedded) -> Server:
    """A seeded source for tests that only read; others are copied from it, so close it."""
    query_outside(servers.source, f"CREATE DATABASE {TEMPLATE}")
    server = replace(servers.source, database=TEMPLATE)
    seed(server, SEED)
    return server


_numbers = count(1)


@pytest.fixture
def databases(servers: Embedded, seeded: Server) -> Iterator[Databases]:
    """A fresh source and a fresh warehouse, dropped even if the test left connections open."""
    name = f"test_{next(_numbers)}"
    source, warehouse = servers.source, servers.warehouse
    query_outside(source, f"CREATE DATABASE {name} TEMPLATE {seeded.database}")
    query_outside(warehouse, f"CREATE DATABASE {name} OWNER {warehouse.owner}")
    try:
        yield Databases(replace(source, database=name), replace(warehouse, database=name))
    finally:
        for server in (source, warehouse):
            query_outside(server, f"DROP DATABASE {name} WITH (FORCE)")


def query_outside(server: Server, sql: str) -> None:
    """Run a statement that no transaction may hold, as superuser, in the server's own database."""
    connection = connect(server.admin_url(), autocommit=True)
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(sql)
