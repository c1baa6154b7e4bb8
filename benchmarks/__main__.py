"""The star of mappings/star.yml, loaded by the engine, by hand and by other tools in turn: `make bench`."""

from __future__ import annotations

import argparse
import compileall
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks import plot, results, table
from benchmarks.compare import Totals, differences, expected, found, told
from benchmarks.contenders import CHANGED, FULL, PHASES, Contender, contenders
from benchmarks.data import ORDERS, change, generate, write
from benchmarks.measure import Measured, measured
from benchmarks.results import BY_HAND, ENGINE
from benchmarks.servers import ROOT, SCHEMA, Bench, plain, programs, say, servers
from benchmarks.where import slowest, where

WAITS = {"--help": ("--help",), "validate": ("validate", "mappings/star.yml")}


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print what was found, and write it down."""
    options = _options(words)
    orders = max(int(ORDERS * options.scale), 1)
    changes = options.changes or max(orders // 100, 1)
    with servers() as embedded:
        bench = Bench(embedded.source, replace(embedded.warehouse, database="bench"))
        load = begun(bench, options.rounds) | {"orders": orders, "changes": changes}
        say(f"generating {orders:,} orders")
        fill(bench, options.scale)
        every = max(orders // changes, 1)
        with contenders(bench, peers=options.peers) as (all_of_them, absent):
            load["absent"] = absent
            for number in range(options.rounds):
                say(f"round {number + 1} of {options.rounds}")
                for phase in PHASES:
                    _turn(bench, all_of_them, phase, (number, every), load)
        say("one more round of the engine, with its log")
        load["where"] = _where(bench, (options.rounds, every))
        load["waits"] = waits(options.rounds)
    done = results.read(options.results)
    done["loads"][results.label(options.scale)] = load
    keep(options.results, done)


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="1: a million orders (default)")
    parser.add_argument("--rounds", type=int, default=3, help="the medians of so many (default 3)")
    parser.add_argument(
        "--changes",
        type=int,
        help="orders that change between two loads (default: one in a hundred)",
    )
    parser.add_argument(
        "--peers",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="dlt + dbt and pygrametl as well (default)",
    )
    add_folder(parser)
    return parser.parse_args(words)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add where the results go."""
    parser.add_argument(
        "--results",
        type=Path,
        default=results.FOLDER,
        help="folder to write to (default benchmarks)",
    )


def begun(bench: Bench, rounds: int) -> dict[str, Any]:
    """Return what is known before anything is measured."""
    with closing(psycopg2.connect(plain(bench.source.admin_url()))) as connection:
        version = connection.get_parameter_status("server_version").split()[0]
    return {
        "machine": results.machine(version),
        "rounds": rounds,
        "seconds": {},
        "peaks": {},
    }


def fill(bench: Bench, scale: float) -> None:
    """Make the source, and compile the engine as an installation does."""
    write(plain(bench.source.owner_url()), (ROOT / "init/source/01-schema.sql").read_text())
    generate(plain(bench.source.admin_url()), scale)
    compileall.compile_dir(ROOT / "engine", quiet=1)


def _turn(
    bench: Bench,
    everybody: list[Contender],
    phase: str,
    which: tuple[int, int],
    load: dict[str, Any],
) -> None:
    """Let everybody go through a phase, another one first in each round, and look at each star."""
    begin(bench, phase, which, *(each.schema for each in everybody if each.name != ENGINE))
    wanted = expected(plain(bench.source.admin_url()))
    first = which[0] % len(everybody)
    for each in everybody[first:] + everybody[:first]:
        if phase == FULL:
            each.prepare()
        bench.settle()
        run = each.run(phase)
        proved(bench, each.name, each.schema, phase, wanted)
        for kind, value in (("seconds", run.seconds), ("peaks", run.peak)):
            of_phases = load[kind].setdefault(each.name, {name: [] for name in PHASES})
            of_phases[phase].append(value)
        say(f"{phase}: {each.name} {run.seconds:.2f} s, {run.peak / 1e6:.0f} MB")
    if unlike := differences(plain(bench.warehouse.admin_url()), "public", SCHEMA):
        raise SystemExit(f"{phase}: the tables of {ENGINE} and {BY_HAND} differ: {unlike}")


def begin(bench: Bench, phase: str, which: tuple[int, int], *schemas: str) -> None:
    """Make the warehouse anew before a full load, and change the source before the changes."""
    number, every = which
    if phase == FULL:
        bench.clear(*schemas)
    elif phase == CHANGED:
        change(plain(bench.source.admin_url()), number % every, every)


def proved(bench: Bench, name: str, schema: str, phase: str, wanted: Totals) -> None:
    """Refuse a star that is not what plain SQL makes of the source."""
    if problem := told(wanted, found(plain(bench.warehouse.admin_url()), schema)):
        raise SystemExit(f"{phase}: the star of {name} is wrong: {problem}")


def _where(bench: Bench, which: tuple[int, int]) -> dict[str, dict[str, float]]:
    """Run the engine once more through all phases, and see where its time goes."""
    parts = {}
    for phase in PHASES:
        begin(bench, phase, which)
        bench.settle()
        run = bench.engine(LOG_FORMAT="json", LOG_LEVEL="debug")
        report = json.loads(run.output)
        parts[phase] = where(run.errors, run.began, _entered(bench, report), run.ended)
        print(f"\n{phase}: {run.seconds:.2f} s, the slowest steps\n" + "\n".join(slowest(report)))
    return parts


def _entered(bench: Bench, report: Mapping[str, Any]) -> float:
    """Return when a run was entered in the ledger."""
    sql = "SELECT extract(epoch FROM started_at)::float8 FROM engine.run WHERE run_id = %s"
    warehouse = psycopg2.connect(plain(bench.warehouse.admin_url()))
    with closing(warehouse), warehouse.cursor() as cursor:
        cursor.execute(sql, (report["run_id"],))
        ((moment,),) = cursor.fetchall()
    return float(moment)


def waits(rounds: int) -> dict[str, list[float]]:
    """Measure how long a person waits for what asks no database."""
    return {name: [_wait(words) for _ in range(rounds)] for name, words in WAITS.items()}


def _wait(words: Sequence[str]) -> float:
    run: Measured = measured([sys.executable, "-m", "engine", *words], programs(), ROOT)
    return run.seconds


def keep(folder: Path, done: results.Results) -> None:
    """Write all that was measured, now or before, as JSON, table and plots; print the table."""
    results.write(folder, done)
    page = table.page(done)
    (folder / "RESULTS.md").write_text(page, encoding="utf-8")
    if loads := done["loads"]:
        scale = "1" if "1" in loads else results.by_size(loads)[-1][0]
        (folder / "results.svg").write_text(plot.of_load(scale, loads[scale]), encoding="utf-8")
    if growth := done.get("growth"):
        (folder / "growth.svg").write_text(plot.of_growth(growth), encoding="utf-8")
    print(f"\n{page}")
    say(f"written to {folder}")


if __name__ == "__main__":
    main()
