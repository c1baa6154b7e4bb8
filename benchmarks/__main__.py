"""The star of mappings/star.yml, loaded by the engine and by hand in turn, on servers of its own."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psycopg2

from benchmarks.compare import differences
from benchmarks.data import change, generate, write
from benchmarks.measure import Measured, measured
from engine.database.embedded import Embedded, Server

ROOT = Path(__file__).parents[1]
BY_HAND = Path(__file__).parent / "by_hand"
STAR = ROOT / "mappings/star.yml"
SCHEMA = "by_hand"
PHASES = ("full load", "1 % changed", "nothing changed")
STAGE = ("create stage", "copy", "fill calendar", "read cursors")


@dataclass(frozen=True, slots=True)
class Bench:
    """A source with data, and a warehouse that is made anew for every round."""

    source: Server
    warehouse: Server

    def clear(self) -> None:
        """Give both sides an empty schema each, in a fresh database."""
        name = self.warehouse.database
        outside = replace(self.warehouse, database="postgres")
        execute(outside, f"DROP DATABASE IF EXISTS {name}")
        execute(outside, f"CREATE DATABASE {name} OWNER {self.warehouse.owner}")
        execute(self.warehouse, f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {self.warehouse.owner}")

    def settle(self) -> None:
        """Let nobody pay for what the one before has left to be written."""
        for server in (self.source, self.warehouse):
            execute(server, "CHECKPOINT")

    def engine(self, mapping: Path = STAR) -> Measured:
        """Run a mapping with the engine."""
        # As it is once installed: compiled, and not compiled anew by every process.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["SOURCE_URL"] = self.source.url()
        environment["WAREHOUSE_URL"] = self.warehouse.url()
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


@dataclass(frozen=True, slots=True)
class Pair:
    """One phase of one round."""

    engine: Measured
    by_hand: Measured


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="1: a million orders (default)")
    parser.add_argument("--rounds", type=int, default=3, help="the medians of so many (default 3)")
    options = parser.parse_args()
    with servers() as embedded:
        bench = Bench(embedded.source, replace(embedded.warehouse, database="bench"))
        say(f"generating {options.scale * 1_000_000:,.0f} orders")
        write(plain(bench.source.owner_url()), (ROOT / "init/source/01-schema.sql").read_text())
        generate(plain(bench.source.admin_url()), options.scale)
        compileall.compile_dir(ROOT / "engine", quiet=1)
        found: dict[str, list[Pair]] = {phase: [] for phase in PHASES}
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            for phase, pair in one_round(bench, number):
                found[phase].append(pair)
        print("\n".join(summary(found)))
        print("\n".join(starts(options.rounds)))


def starts(rounds: int) -> Iterator[str]:
    """Say how long a person waits for what asks no database, and how much of it is computing."""
    yield "\nseconds until it ends, medians (goals: --help 0.15, validate 0.4)"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for words in (["--help"], ["validate", "mappings/star.yml"]):
        command = [sys.executable, "-m", "engine", *words]
        taken = [measured(command, environment, ROOT).seconds for _ in range(max(rounds, 3))]
        yield f"engine {' '.join(words):26}{median(taken):9.2f}"


@contextmanager
def servers() -> Iterator[Embedded]:
    """Start two servers whose data is safe, as in production, and gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="engine-bench-"))
    folder.chmod(0o755)  # the user that the servers run as has to pass
    embedded = Embedded(folder / "servers")
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


def one_round(bench: Bench, number: int) -> Iterator[tuple[str, Pair]]:
    """Go through the phases; who is first changes from round to round, and both stars must be the same."""
    bench.clear()
    for phase, script in zip(PHASES, ("full.sh", "changed.sh", "changed.sh"), strict=True):
        if phase == "1 % changed":
            change(plain(bench.source.admin_url()), number % 100)
        if number % 2:
            bench.settle()
            by_hand = bench.by_hand(script)
        bench.settle()
        engine = bench.engine()
        if not number % 2:
            bench.settle()
            by_hand = bench.by_hand(script)
        if unlike := differences(plain(bench.warehouse.admin_url()), "public", SCHEMA):
            raise SystemExit(f"{phase}: the two stars differ, in rows: {unlike}")
        yield phase, Pair(engine, by_hand)


def summary(found: dict[str, list[Pair]]) -> Iterator[str]:
    """Say it in tables: seconds and ratio, memory, and where the engine's time goes."""
    rounds = len(found[PHASES[0]])
    yield f"\nseconds, medians of {rounds}{'':10}engine   by hand     ratio (of each round)"
    for phase, pairs in found.items():
        engine = median(pair.engine.seconds for pair in pairs)
        by_hand = median(pair.by_hand.seconds for pair in pairs)
        ratios = [pair.engine.seconds / pair.by_hand.seconds for pair in pairs]
        each = " ".join(f"{ratio:.2f}" for ratio in ratios)
        yield f"{phase:27}{engine:9.2f} {by_hand:9.2f} {median(ratios):9.2f} ({each})"
    peak = max(pair.engine.peak for pairs in found.values() for pair in pairs)
    yield f"\nmost memory that the engine held: {peak / 1e6:.0f} MB"
    yield (
        "goals: full load at most 0.8 times by hand, at scale 1 0.6 s for 1 % changed and 0.5 s for "
        "nothing changed, memory 100 MB at every scale"
    )
    for phase, pairs in found.items():
        yield from parts(phase, sorted((pair.engine for pair in pairs), key=lambda m: m.seconds))


def parts(phase: str, runs: list[Measured]) -> Iterator[str]:
    """Say where the time of the median run went, and which steps took most of it."""
    run = runs[len(runs) // 2]
    report = json.loads(run.output)
    sums = {"copy": 0.0, "load": 0.0, "check": 0.0}
    for step in report["steps"]:
        title = step["title"]
        sums["copy" if title in STAGE else "check" if title.startswith("check") else "load"] += (
            step["seconds"]
        )
    yield f"\n{phase}: {run.seconds:.2f} s, of which (copies run beside the loading)"
    yield f"  start and end {run.seconds - report['seconds']:.2f}, within the run: " + ", ".join(
        f"{name} {seconds:.2f}" for name, seconds in sums.items()
    )
    for step in sorted(report["steps"], key=lambda s: -s["seconds"])[:6]:
        yield f"  {step['seconds']:6.3f}  {step['entry']}: {step['title']}, {step['rows']:,} rows"


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
    """Tell who waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
