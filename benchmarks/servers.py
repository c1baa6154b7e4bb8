"""The two servers that everything is measured on, and what is done to them between two turns."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2

from benchmarks.measure import Measured, measured
from engine.database.embedded import Embedded, Server

ROOT = Path(__file__).parents[1]
BY_HAND = Path(__file__).parent / "by_hand"
STAR = ROOT / "mappings/star.yml"
SCHEMA = "by_hand"
STARTED = time.perf_counter()


@dataclass(frozen=True, slots=True)
class Bench:
    """A source with data, and a warehouse that is made anew for every round."""

    source: Server
    warehouse: Server

    def clear(self, *schemas: str) -> None:
        """Give each side an empty schema, in a fresh database; the engine has its own, public."""
        name = self.warehouse.database
        outside = replace(self.warehouse, database="postgres")
        execute(outside, f"DROP DATABASE IF EXISTS {name}")
        execute(outside, f"CREATE DATABASE {name} OWNER {self.warehouse.owner}")
        for schema in schemas or (SCHEMA,):
            execute(self.warehouse, f"CREATE SCHEMA {schema} AUTHORIZATION {self.warehouse.owner}")

    def settle(self) -> None:
        """Let nobody pay for what the one before has left to be written."""
        for server in (self.source, self.warehouse):
            execute(server, "CHECKPOINT")

    def engine(self, mapping: Path = STAR, **settings: str) -> Measured:
        """Run a mapping with the engine."""
        environment = programs() | {
            "SOURCE_URL": self.source.url(),
            "WAREHOUSE_URL": self.warehouse.url(),
            **settings,
        }
        command = [sys.executable, "-m", "engine", "run", mapping, "--report", "json"]
        return measured(command, environment, ROOT)

    def by_hand(self, script: str) -> Measured:
        """Run one of the scripts that the engine is measured against."""
        urls = {
            "PSQL": str(self.source.program),
            "SOURCE": plain(self.source.url()),
            "WAREHOUSE": f"{plain(self.warehouse.url())}?options=-csearch_path%3D{SCHEMA}",
        }
        return measured(["/bin/sh", BY_HAND / script], os.environ | urls)


@contextmanager
def servers() -> Iterator[Embedded]:
    """Start two servers whose data is safe, as in production, and gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="engine-bench-"))
    folder.chmod(0o755)  # the user that the servers run as has to pass
    embedded = Embedded(folder / "servers")
    # `timeout` and `kill` end a process without a chance to stop what it has started, unless it asks for one.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        embedded.start()
        for server in (embedded.source, embedded.warehouse):
            # It would begin at a moment that nobody can foresee, in the middle of somebody's turn.
            execute(server, "ALTER SYSTEM SET autovacuum = off")
            execute(server, "SELECT pg_reload_conf()")
        yield embedded
    finally:
        embedded.remove()
        shutil.rmtree(folder)
        signal.signal(signal.SIGTERM, before)


def programs() -> Mapping[str, str]:
    """Return an environment in which programs are as once installed: compiled, and not by each process."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def execute(server: Server, sql: str) -> None:
    """Run a statement as a superuser, outside any transaction."""
    with closing(psycopg2.connect(plain(server.admin_url()))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)


def plain(url: str) -> str:
    """Return a URL that libpq understands."""
    return url.replace("+psycopg2", "", 1)


def say(text: str) -> None:
    """Tell who waits, and after how long."""
    minutes, seconds = divmod(int(time.perf_counter() - STARTED), 60)
    print(f"{minutes:3}:{seconds:02}  {text}", file=sys.stderr, flush=True)
