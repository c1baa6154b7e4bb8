"""PgBouncer between the engine and its two servers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2

from engine.database.embedded.account import account
from engine.database.embedded.server import Server
from tests.conftest import Databases
from tests.faults.shop import wait_until

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = """
[databases]
{databases}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 10
logfile = {folder}/log
pidfile = {folder}/pid
"""


class Pooler:
    """A PgBouncer for both databases of a test, in one of its pool modes; leaving the context ends it."""

    def __init__(self, databases: Databases, mode: str) -> None:
        self._servers = {"SOURCE": databases.source, "WAREHOUSE": databases.warehouse}
        self._mode = mode
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port: int = free.getsockname()[1]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead the engine through the pooler."""
        return {
            f"{prefix}_URL": f"postgresql://{server.user}:any@127.0.0.1:{self.port}/{prefix.lower()}"
            for prefix, server in self._servers.items()
        }

    def __enter__(self) -> Self:
        owner = account()
        self._folder = Path(tempfile.mkdtemp())
        file = self._folder / "pgbouncer.ini"
        listed = "\n".join(
            f"{prefix.lower()} = {_place(server)}" for prefix, server in self._servers.items()
        )
        file.write_text(
            CONFIGURATION.format(
                databases=listed, port=self.port, mode=self._mode, folder=self._folder
            )
        )
        for path in (self._folder, file):
            owner.take(path)
        switch = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner.switch else {}
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "--quiet", str(file)], stderr=subprocess.DEVNULL, **switch
        )
        wait_until(self._answers, f"PgBouncer answers; see {self._folder}/log")
        return self

    def _answers(self) -> bool:
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(self.environment["SOURCE_URL"]).close()
            return True
        return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder)


def _place(server: Server) -> str:
    password = server.url().split(":")[2].split("@")[0]
    return (
        f"host={server.host} port={server.port} dbname={server.database} "
        f"user={server.user} password={password}"
    )
