"""A hot standby of the source, made of a copy of it, which lets no query delay what happens there."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from engine.database.embedded.account import account, within_reach
from engine.database.embedded.binaries import locate
from engine.database.embedded.postmaster import Postmaster
from engine.database.embedded.server import ADMIN, HOST, Server, passwords
from tests.conftest import memory, postgres, query
from tests.faults.shop import wait_until

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "hot_standby": "on",
    "max_standby_streaming_delay": "0",  # queries that are in the way are cancelled at once
    "max_connections": "100",  # not fewer than on the primary
    "max_prepared_transactions": "10",
    "fsync": "off",
}


@contextmanager
def standby(primary: Server) -> Iterator[Server]:
    """Give a standby of a server; it is another server with the same databases, roles and passwords."""
    owner, chosen = account(), postgres()
    binaries = within_reach(locate(chosen.get("version"), chosen.get("binaries")), owner)
    folder = Path(tempfile.mkdtemp(prefix="engine-standby-", dir=memory()))
    owner.take(folder)
    data, place = folder / "data", f"host={primary.host} port={primary.port} user={ADMIN}"
    passfile = folder / "pgpass"
    passfile.write_text(f"*:*:*:*:{passwords(primary.passfile)[ADMIN]}\n")
    passfile.chmod(0o600)
    owner.take(passfile)
    program = binaries.program("pg_basebackup")
    place += f" passfile={passfile}"
    done = owner.run(
        [program, "-d", place, "-D", data, "--checkpoint=fast", "--wal-method=stream", "-R"]
    )
    assert done.returncode == 0, done.stderr
    with closing(socket.create_server((HOST, 0))) as free:
        port = free.getsockname()[1]
    postmaster = Postmaster(data, owner)
    postmaster.start(binaries, port, SETTINGS, folder / "server.log")
    try:
        yield replace(primary, port=port, folder=folder)
    finally:
        postmaster.stop()
        shutil.rmtree(folder)


def catch_up(primary: Server, other: Server) -> None:
    """Wait until a standby has replayed what its primary has written so far."""
    ((written,),) = query(primary.admin_url(), "SELECT pg_current_wal_lsn()::text")
    sql = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
    wait_until(lambda: bool(query(other.admin_url(), sql)[0][0]), "the standby has replayed")
