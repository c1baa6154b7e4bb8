"""The engine alone at one scale after the other, in one source that grows: `make bench-growth`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks import results
from benchmarks.__main__ import add_folder, begin, begun, fill, keep, proved
from benchmarks.compare import expected
from benchmarks.contenders import FULL, PHASES
from benchmarks.data import ORDERS, generate
from benchmarks.results import ENGINE
from benchmarks.servers import Bench, plain, say, servers

SCALES = (1.0, 2.0, 5.0, 10.0)
CHANGES = 10_000


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print what was found, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--scales", type=float, nargs="+", default=SCALES, help="default: 1 2 5 10")
    parser.add_argument("--rounds", type=int, default=3, help="the medians of so many (default 3)")
    parser.add_argument(
        "--changes",
        type=int,
        default=CHANGES,
        help=f"orders that change at each scale (default {CHANGES})",
    )
    add_folder(parser)
    options = parser.parse_args(words)
    scales = sorted(set(options.scales))
    with servers() as embedded:
        bench = Bench(embedded.source, replace(embedded.warehouse, database="bench"))
        start = begun(bench, options.rounds)
        growth = {name: start[name] for name in ("machine", "rounds")}
        growth |= {"changes": options.changes, "scales": {}}
        filled = 0.0
        for scale in scales:
            say(f"generating {int(ORDERS * scale):,} orders")
            if filled:
                generate(plain(bench.source.admin_url()), scale - filled)
            else:
                fill(bench, scale)
            filled = scale
            every = max(int(ORDERS * scale) // options.changes, 1)
            growth["scales"][results.label(scale)] = _scale(bench, every, options.rounds)
    done = results.read(options.results)
    keep(options.results, done | {"growth": growth})


def _scale(bench: Bench, every: int, rounds: int) -> dict[str, Any]:
    """Go through the phases at one scale, so many times."""
    measured: dict[str, Any] = {"seconds": {phase: [] for phase in PHASES}, "peaks": []}
    for number in range(rounds):
        for phase in PHASES:
            begin(bench, phase, (number, every))
            wanted = expected(plain(bench.source.admin_url()))
            bench.settle()
            run = bench.engine()
            proved(bench, ENGINE, "public", phase, wanted)
            measured["seconds"][phase].append(run.seconds)
            measured["peaks"].append(run.peak)
            if phase == FULL:
                measured.setdefault("rows", _rows(run.output))
            say(f"{phase}: {run.seconds:.2f} s, {run.peak / 1e6:.0f} MB")
    return measured


def _rows(report: str) -> int:
    """Return how many rows a run read from the source; days are made, not read."""
    entries = json.loads(report)["entries"]
    return sum(entry["read"] for entry in entries if entry["name"] != "dim_date")


if __name__ == "__main__":
    main()
