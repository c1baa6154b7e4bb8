"""The server process of one data directory: started, told from a stranger, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from engine.database.embedded.account import Account
from engine.database.embedded.binaries import Binaries
from engine.errors import EngineError, RunError
from engine.values import dataclass

PAUSE = 0.02  # seconds between two looks
RETRY = 0.2  # seconds between two attempts to start
PATIENCE = 60.0  # seconds for a start, which may have to recover from a crash, or a stop
NOBODY = 2**31 - 1  # a process id beyond what any system gives out
PROCESSES = Path("/proc")
PORT_TAKEN = ("could not create any TCP/IP sockets", "could not bind")
STILL_DYING = ("pre-existing shared memory block", '"postmaster.pid" already exists')


class PortTakenError(EngineError):
    """Another program listens on the port."""


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The process that serves the directory `data`, whether it runs or not."""

    data: Path
    owner: Account

    def pid(self) -> int | None:
        """Return the process id, None when no server of this very directory runs."""
        pid = int(self._line(0) or 0)
        return pid if pid > 0 and _serves(pid, self.data) else None

    def port(self) -> int:
        """Return the port on which the running server listens."""
        return int(self._line(3) or 0)

    def start(self, binaries: Binaries, port: int, settings: Mapping[str, str], log: Path) -> None:
        """Start the server, unless it runs, and wait until it takes connections.

        Raises PortTakenError, or a RunError with the last words of the server.
        """
        self._disown()
        command = [str(binaries.program("postgres")), "-D", str(self.data), "-p", str(port)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        deadline = time.monotonic() + PATIENCE
        while True:
            begin = log.stat().st_size if log.exists() else 0
            # One may be starting already, or recovering, whose starter was killed before it was up.
            pid = self.pid() or self._spawn(command, log)
            if self._ready(pid, deadline):
                return
            said = log.read_bytes()[begin:].decode("utf-8", "replace")
            if any(word in said for word in PORT_TAKEN):
                raise PortTakenError(f"port {port} is taken")
            # After a kill -9 the children of the old server need a moment to notice.
            if not any(word in said for word in STILL_DYING) or time.monotonic() > deadline:
                raise RunError(f"{log}: the embedded server did not start: {last_lines(said)}")
            time.sleep(RETRY)

    def stop(self) -> None:
        """Cut off the sessions, write the data, end the server; return when it is gone."""
        pid = self.pid()
        # SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one, from which it recovers.
        for order in (signal.SIGINT, signal.SIGQUIT):
            if pid is None or self._stopped(pid, order):
                return
        raise RunError(f"{self.data}: the embedded server (process {pid}) does not stop")

    def _stopped(self, pid: int, order: signal.Signals) -> bool:
        try:
            os.kill(pid, order)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + PATIENCE
        while _serves(pid, self.data):
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE)
        return True

    def _spawn(self, command: list[str], log: Path) -> int:
        """Run the server on its own and return its process id."""
        # The shell says the id and leaves the server to itself. Quotes in a path are safe: they are
        # arguments, whereas pg_ctl would put them into a command line.
        detach = ["/bin/sh", "-c", '"$@" >&2 </dev/null & echo $!', "sh"]
        with log.open("ab") as stream:
            return int(self.owner.run([*detach, *command], log=stream).stdout)

    def _ready(self, pid: int, deadline: float) -> bool:
        while time.monotonic() < deadline:
            if not _alive(pid):
                return False
            if self._line(0) == str(pid) and self._line(7) == "ready":
                return True
            time.sleep(PAUSE)
        return False

    def _disown(self) -> None:
        """Make a process file harmless that was left behind and whose number is now another's.

        PostgreSQL would take that program for a server. Only the number is replaced: the rest of
        the file is how it finds out that children of the old server are still at work.
        """
        pid = int(self._line(0) or 0)
        if pid > 0 and _alive(pid) and not _serves(pid, self.data):
            file = self.data / "postmaster.pid"
            _, rest = file.read_text(encoding="utf-8").split("\n", 1)
            file.write_text(f"{NOBODY}\n{rest}", encoding="utf-8")

    def _line(self, number: int) -> str:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        return lines[number].strip() if number < len(lines) else ""


def last_lines(said: str, count: int = 3) -> str:
    """Return the last lines of what a program said, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " / ".join(lines[-count:]) or "it said nothing"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # A zombie, that is, dead and not yet collected, which in a container may take for ever.
        return (PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not (PROCESSES / "self").exists()


def _serves(pid: int, data: Path) -> bool:
    """Return whether the process is a PostgreSQL server of the directory: it works inside it."""
    if not _alive(pid):
        return False
    if (PROCESSES / "self").exists():
        try:
            return (PROCESSES / str(pid) / "cwd").samefile(data)
        except OSError:
            return False
    command = ["/bin/ps", "-o", "command=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return str(data) in answer.stdout
