"""A dimension with a row for each version, loaded by the engine and by hand in turn: `make bench-history`."""

from __future__ import annotations

import argparse
import compileall
import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psycopg2

from benchmarks.data import maintain, write
from benchmarks.measure import Measured
from benchmarks.servers import ROOT, Bench, plain, say, servers
from benchmarks.where import slowest

MEMBERS = 1_000_000
CHANGES = 10_000
PHASES = ("full load", f"{CHANGES:,} changed", "nothing changed")
SCRIPTS = ("history_full.sh", "history_changed.sh", "history_changed.sh")

MAPPING = """
version: 1
name: bench_history
dimensions:
  dim_member:
    source:
      query: SELECT member_id, name, city, updated_at FROM members
      cursor: updated_at
    key: member_key
    natural_key: member_id
    columns:
      member_id:
      name:
      city: {scd: 2}
    history: {effective: updated_at}
"""
GENERATE = """
CREATE TABLE members (member_id int PRIMARY KEY, name text, city text, updated_at timestamptz);
INSERT INTO members
SELECT n, 'Member ' || n, 'City ' || n % 1000, TIMESTAMPTZ '2020-01-01 00:00+00' + n * INTERVAL '1 s'
FROM generate_series(1, {members}) AS n;
CREATE INDEX ON members (updated_at);
GRANT SELECT ON members TO PUBLIC;
"""
# The same number of members whatever their number is, and others in each round; nine of ten move.
CHANGE = """
UPDATE members SET updated_at = clock_timestamp(), name = name || '.',
  city = CASE WHEN member_id % 10 = 0 THEN city ELSE 'Town {number}' END
WHERE member_id % ({members} / {changes}) = {number};
"""
SAME = """
SELECT member_id, name, city, valid_from, valid_to, is_current FROM {}.dim_member
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """One phase of one round."""

    engine: Measured
    by_hand: Measured


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--members", type=int, default=MEMBERS, help="how many (default 1000000)")
    parser.add_argument("--rounds", type=int, default=3, help="the medians of so many (default 3)")
    options = parser.parse_args()
    compileall.compile_dir(ROOT / "engine", quiet=1)
    found: dict[str, list[Pair]] = {phase: [] for phase in PHASES}
    with servers() as embedded, tempfile.TemporaryDirectory() as folder:
        mapping = Path(folder) / "bench_history.yml"
        mapping.write_text(MAPPING)
        bench = Bench(embedded.source, replace(embedded.warehouse, database="bench"))
        say(f"generating {options.members:,} members")
        write(plain(bench.source.admin_url()), GENERATE.format(members=options.members))
        maintain(plain(bench.source.admin_url()))
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            for phase, pair in one_round(bench, mapping, options.members, number):
                found[phase].append(pair)
    print("\n".join(summary(found, options.members)))


def one_round(bench: Bench, mapping: Path, members: int, number: int) -> Iterator[tuple[str, Pair]]:
    """Go through the phases; who is first changes from round to round, and both must have the same."""
    bench.clear()
    for phase, script in zip(PHASES, SCRIPTS, strict=True):
        if phase == PHASES[1]:
            change = CHANGE.format(number=number + 1, members=members, changes=CHANGES)
            write(plain(bench.source.admin_url()), change)
        if number % 2:
            bench.settle()
            by_hand = bench.by_hand(script)
        bench.settle()
        engine = bench.engine(mapping)
        if not number % 2:
            bench.settle()
            by_hand = bench.by_hand(script)
        if unlike := differing(plain(bench.warehouse.admin_url())):
            raise SystemExit(f"{phase}: the two differ in {unlike:,} rows")
        yield phase, Pair(engine, by_hand)


def differing(url: str) -> int:
    """Count the versions that only one of the two has."""
    one, other = SAME.format("public"), SAME.format("by_hand")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute(
            f"SELECT (SELECT count(*) FROM ({one} EXCEPT ALL {other}) AS q)"
            f" + (SELECT count(*) FROM ({other} EXCEPT ALL {one}) AS q)"
        )
        return int(cursor.fetchall()[0][0])


def summary(found: dict[str, list[Pair]], members: int) -> Iterator[str]:
    """Say it in a table."""
    rounds = len(found[PHASES[0]])
    yield f"{members:,} members, seconds, medians of {rounds}{'':4}engine   by hand     ratio (of each round)"
    for phase, pairs in found.items():
        ratios = [pair.engine.seconds / pair.by_hand.seconds for pair in pairs]
        seconds = [median(getattr(p, who).seconds for p in pairs) for who in ("engine", "by_hand")]
        each = " ".join(f"{ratio:.2f}" for ratio in ratios)
        yield f"{phase:45}{seconds[0]:9.2f} {seconds[1]:9.2f} {median(ratios):9.2f} ({each})"
    peak = max(pair.engine.peak for pairs in found.values() for pair in pairs)
    yield f"most memory that the engine held: {peak / 1e6:.0f} MB"
    for phase, pairs in found.items():
        run = sorted((pair.engine for pair in pairs), key=lambda m: m.seconds)[len(pairs) // 2]
        yield f"\n{phase}: {run.seconds:.2f} s, the slowest steps"
        yield from slowest(json.loads(run.output))


if __name__ == "__main__":
    main()
