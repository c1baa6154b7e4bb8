"""Runs of the engine, as processes, each left alone or hit at a random moment, and what became of each."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from statistics import median

from engine.database.embedded import Embedded
from engine.database.embedded.account import account
from engine.database.embedded.postmaster import Postmaster
from tests.conftest import Databases, query
from tests.faults.shop import ROOT, Watch, wait_until

SOAK = Path(__file__).with_name("soak.yml")
# What happens to a run, by how often: of a hundred, about so many.
FATES = {
    "left alone": 35,
    "kill -9": 22,
    "SIGTERM": 10,
    "SIGINT": 8,
    "sessions in the source ended": 8,
    "sessions in the warehouse ended": 11,
    "source restarted": 3,
    "warehouse restarted": 3,
}
SIGNALS = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
WHILE_IT_STARTS = (
    0.01  # the chance, in each hundredth of a second, not to wait for the first connection
)
PATIENCE = 180  # seconds: a run that takes longer hangs


class Runs:
    """Runs the engine again and again on the databases of a soak."""

    def __init__(self, databases: Databases, embedded: Embedded, seed: str) -> None:
        self.ends: Counter[str] = Counter()  # by what happened to it and how it ended
        self.fates: Counter[str] = Counter()
        self.attempts = 0  # more than the first
        self.wrong: list[str] = []
        self._databases, self._embedded = databases, embedded
        self._chance = random.Random(seed)
        self._durations = [1.0]

    def once(self, fate: str | None = None, *arguments: str) -> str:
        """Run the engine, let its fate happen at a random moment, judge its end, and return its output."""
        fate = fate or self._chance.choices(list(FATES), FATES.values())[0]
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "engine", "run", str(SOAK), *arguments],
                cwd=ROOT,
                env=os.environ | self._databases.environment,
                stdout=out,
                stderr=said,
            )
            if fate != "left alone":
                self._wait(process)
                fate = self._befall(process, fate)
            try:
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
                self.wrong.append(f"{fate}: the run hung")
            said.seek(0)
            self._judge(fate, code, process.pid, said.read())
            out.seek(0)
            return out.read()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a random moment of a run: now and then while it starts, mostly while it is connected."""
        moment = self._chance.uniform(0, 1.1) * median(self._durations[-20:])
        with Watch(self._databases) as watch:
            while self._chance.random() > WHILE_IT_STARTS and not watch.begun():
                if process.poll() is not None:
                    return
                time.sleep(0.01)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)

    def _befall(self, process: subprocess.Popen[bytes], fate: str) -> str:
        """Do what is to happen to a run, and return what did: nothing, where it had ended by then."""
        if fate in SIGNALS:
            if process.poll() is not None:
                return "left alone"
            process.send_signal(SIGNALS[fate])
            return fate
        server, what = fate.removeprefix("sessions in the ").split()
        if what == "restarted":
            self._restart(server)
            return fate
        with Watch(self._databases) as watch:
            pids = watch.sessions(server)
            chosen = self._chance.choice([pids, *([pid] for pid in pids)]) if pids else []
            return fate if chosen and watch.terminate(server, chosen) else "left alone"

    def _restart(self, server: str) -> None:
        """Stop a server as a crash or a hasty administrator does, and start it after a while."""
        found = getattr(self._databases, server)
        postmaster = Postmaster((found.folder / "data").resolve(), account())
        os.kill(postmaster.pid() or 0, self._chance.choice([signal.SIGQUIT, signal.SIGINT]))
        wait_until(lambda: postmaster.pid() is None, "the server has stopped")
        time.sleep(self._chance.uniform(0, 1.5))
        self._embedded.start()

    def _judge(self, fate: str, code: int, pid: int, said: str) -> None:
        """Hold the exit code against the ledger, which must tell the truth of every end."""
        status, attempt, seconds = self._recorded(pid)
        if fate == "left alone" and seconds:
            self._durations.append(seconds)
        self.fates[fate] += 1
        self.ends[f"{status or 'not begun'}, exit code {code}"] += 1
        self.attempts += max(attempt - 1, 0)
        signalled = SIGNALS.get(fate)
        if signalled == signal.SIGKILL:
            right = code in {-9, 0} and (status in {None, "died"} or status == "done")
        elif signalled and status != "done":
            # Before it listens to signals, Python ends by them, and a shell says 130 for SIGINT, too: so it
            # does where one came within `exec`, as of a dataclass that is being imported.
            right = code in {130, -signalled, -signal.SIGINT} and status in {None, "failed", "died"}
        else:  # whatever else happened to it, the run was tried again
            right = status == "done" and code in {0, 130, -(signalled or 0)}
        if not right:
            last = " / ".join(said.strip().splitlines()[-3:])
            self.wrong.append(f"{fate}: exit code {code}, the ledger says {status}: {last}")

    def _recorded(self, pid: int) -> tuple[str | None, int, float | None]:
        """Return what the ledger says of a process that has ended: its status, and how many attempts."""
        url = self._databases.warehouse_url
        if not query(url, "SELECT 1 WHERE to_regclass('engine.lock') IS NOT NULL"):
            return None, 0, None
        sql = f"""
            SELECT CASE status WHEN 'running' THEN 'died' ELSE status END, attempt, seconds FROM engine.run
            WHERE pid = {pid} ORDER BY started_at DESC LIMIT 1
        """
        return next(iter(query(url, sql)), (None, 0, None))
