"""One of the two servers: its cluster, its process and its port."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from engine.database.embedded.account import Account, within_reach
from engine.database.embedded.binaries import Binaries, locate
from engine.database.embedded.cluster import Cluster
from engine.database.embedded.postmaster import PortTakenError, Postmaster
from engine.database.embedded.server import HOST, SOURCE, Server
from engine.errors import RunError, SettingsError
from engine.values import dataclass

ATTEMPTS = 5  # ports to try
SETTINGS = {
    "listen_addresses": HOST,
    # No sockets: the path of one may not be longer than some 100 bytes, and folders may be deep.
    "unix_socket_directories": "",
    "max_connections": "100",
    "max_prepared_transactions": "10",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Nothing is replicated from the warehouse, so a bulk load need not be written twice.
MINIMAL = {"wal_level": "minimal", "max_wal_senders": "0"}
# What is committed still survives the end of the server, by kill -9 too, but not that of the machine.
UNSAFE = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Wish:
    """Which programs to run and how: `sync` off risks the data for speed."""

    version: int | None = None
    binaries: Path | None = None
    sync: bool = True

    def programs(self, owner: Account) -> Binaries:
        """Return the programs, copied to where the account reaches them if need be."""
        return within_reach(locate(self.version, self.binaries), owner)


@dataclass(frozen=True, slots=True)
class Instance:
    """A server that may not exist yet, may have stopped, or may run."""

    cluster: Cluster

    @property
    def postmaster(self) -> Postmaster:
        """The process of the server."""
        return Postmaster(self.cluster.data.resolve(), self.cluster.owner)

    def server(self, program: Path) -> Server:
        """Return the running server as a value; `program` is a psql. SettingsError if none runs."""
        if self.postmaster.pid() is None:
            raise SettingsError(
                f"{self.cluster.folder}: the embedded server does not run; start it"
            )
        role = self.cluster.role
        return Server(
            name=role.name,
            folder=self.cluster.folder,
            host=HOST,
            port=self.postmaster.port(),
            user=role.user,
            owner=role.owner,
            database=role.database,
            passfile=self.cluster.passfile,
            program=program,
        )

    def start(self, wish: Wish) -> None:
        """Start the server unless it runs, after making it if need be; return when it is up."""
        binaries = wish.programs(self.cluster.owner)
        if not self.cluster.exists():
            self.cluster.create(binaries, sync=wish.sync)
        self.cluster.fits(binaries)
        settings = SETTINGS | ({} if self.cluster.role == SOURCE else MINIMAL)
        if not wish.sync:
            settings |= UNSAFE
        port = self._remembered() or _free_port()
        for _ in range(ATTEMPTS):
            try:
                self.postmaster.start(binaries, port, settings, self.cluster.folder / "server.log")
            except PortTakenError:
                port = _free_port()
            else:
                self._port_file.write_text(f"{self.postmaster.port()}\n", encoding="ascii")
                return
        raise RunError(f"{self.cluster.folder}: no free port was found in {ATTEMPTS} attempts")

    @property
    def _port_file(self) -> Path:
        return self.cluster.folder / "port"

    def _remembered(self) -> int | None:
        try:
            port = int(self._port_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return port if 0 < port < 65536 else None


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
