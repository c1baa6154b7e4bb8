"""The soak: the source is written all the time, the engine runs and is killed, and nothing may be lost.

`make soak` takes 10 minutes; `make soak ARGS='--minutes 30'` as many as it says. Exit code 1 when the star is
not what plain SQL on the source says, or a run ended otherwise than it should.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.database.embedded import Embedded, seed
from tests.conftest import Databases, postgres, query, query_outside, some_folder, watchman
from tests.soak.runs import Runs
from tests.soak.star import differences, rows
from tests.soak.writers import Writers

EVERY = 60  # seconds between two moments at which the writers rest and the star is compared
PAUSE = 2.0  # seconds between two runs, at most


@contextmanager
def servers() -> Iterator[tuple[Embedded, Databases]]:
    """Give two servers of our own, a source with a few rows, and an empty warehouse."""
    with some_folder() as folder:
        embedded = Embedded(folder, sync=False, **postgres())
        embedded.start()
        with watchman(embedded) as guard:
            for server in (embedded.source, embedded.warehouse):
                query_outside(server, f"CREATE DATABASE soak OWNER {server.owner}")
            source = replace(embedded.source, database="soak")
            seed(source, (Path(__file__).with_name("source.sql"),))
            yield embedded, Databases(source, replace(embedded.warehouse, database="soak"))
            guard.kill()


class Soak:
    """Writes, runs, kills and compares until its time is over."""

    def __init__(self, embedded: Embedded, databases: Databases, name: str) -> None:
        self.databases = databases
        self.runs = Runs(databases, embedded, name)
        self.writers = Writers(databases.source_admin_url, name)
        self.compared = 0
        self.wrong: list[str] = []
        self._chance = random.Random(name)

    def last(self, seconds: float) -> None:
        """Let it last; returns when the writers have ended and the star was compared for the last time."""
        end = time.monotonic() + seconds
        self.writers.start()
        try:
            while time.monotonic() < end and not self.wrong:
                self._disturbed(min(end, time.monotonic() + EVERY))
                self.writers.pause()
                self._compare()
                self.writers.go_on()
        finally:
            self.writers.stop()
        self._compare()
        self._nothing_new()

    def _disturbed(self, end: float) -> None:
        while time.monotonic() < end:
            self.runs.once()
            time.sleep(self._chance.uniform(0, PAUSE))

    def _compare(self) -> None:
        """Let a run end in peace, and hold the star against the source."""
        self.runs.once("left alone")
        self.wrong += differences(self.databases)
        self.compared += 1
        say(
            f"compared {self.compared}: {sum(self.runs.fates.values())} runs, {rows(self.databases)}"
        )

    def _nothing_new(self) -> None:
        """Read everything once more: a run that changes anything then has missed it before."""
        output = self.runs.once("left alone", "--full-refresh", "--report", "json")
        for entry in json.loads(output)["entries"]:
            if entry["inserted"] or entry["updated"] or entry["rejected"]:
                self.wrong.append(f"a full refresh found more: {entry}")
        self.wrong += differences(self.databases)

    def report(self, seconds: float) -> dict[str, object]:
        """Return what happened."""
        return {
            "minutes": round(seconds / 60, 1),
            "runs": sum(self.runs.fates.values()),
            "what happened to them": dict(self.runs.fates.most_common()),
            "how they ended": dict(self.runs.ends.most_common()),
            "further attempts within a run": self.runs.attempts,
            "written": dict(sorted(self.writers.did.items())),
            "longest transaction, seconds": round(self.writers.longest, 1),
            "rows of the star": rows(self.databases),
            "comparisons": self.compared,
            "wrong": [*self.wrong, *self.runs.wrong],
        }


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> int:
    """Soak, print what happened as JSON, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    parser.add_argument("--seed", default=str(time.time_ns()), help="of everything that is random")
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}")
    with servers() as (embedded, databases):
        start = time.monotonic()
        soak = Soak(embedded, databases, arguments.seed)
        soak.last(arguments.minutes * 60)
        report = soak.report(time.monotonic() - start)
        version = query(databases.source_admin_url, "SHOW server_version")[0][0]
    sys.stdout.write(json.dumps({"PostgreSQL": version} | report, indent=2) + "\n")
    return bool(report["wrong"])


if __name__ == "__main__":
    sys.exit(main())
