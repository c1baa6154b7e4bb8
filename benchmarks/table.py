"""What was measured as a page in Markdown, which is what is printed too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.contenders import PHASES
from benchmarks.results import (
    BY_HAND,
    ENGINE,
    Results,
    by_size,
    goals,
    peak,
    per_row,
    phase_name,
    ratios,
)
from benchmarks.where import PARTS


def page(results: Results) -> str:
    """Return the whole page: goals, loads, growth."""
    lines = [
        "# What was measured",
        "",
        "Written by `make bench` and `make bench-growth`; how: [NOTES.md](NOTES.md).",
    ]
    lines += ["", "## Goals", "", *table(["", "goal", "found", ""], _goals(results))]
    for scale, load in by_size(results["loads"]):
        lines += ["", f"## SCALE {scale}: {load['orders']:,} orders", "", *_load(load)]
    if results["loads"]:
        lines += ["", "![seconds and memory of each](results.svg)"]
    if growth := results.get("growth"):
        lines += [
            "",
            "## Growth",
            "",
            *_growth(growth),
            "",
            "![time per row and memory](growth.svg)",
        ]
    return "\n".join(lines) + "\n"


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Return a table of Markdown, aligned so that it can be read as it is."""
    cells = [list(head), *map(list, rows)]
    widths = [max(3, *(len(row[n]) for row in cells)) for n in range(len(head))]
    cells.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    for row in cells:
        padded = (
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"| {' | '.join(padded)} |"


def _goals(results: Results) -> Iterator[Sequence[str]]:
    for goal in goals(results):
        yield goal.what, goal.wanted, goal.found, "met" if goal.met else "**missed**"


def _load(load: Mapping[str, Any]) -> Iterator[str]:
    yield _machine(load)
    yield ""
    yield "Whole processes; seconds are medians, each star was equal to what plain SQL makes of the source."
    yield ""
    names = list(load["seconds"])
    head = ["", *names, f"{ENGINE} / {BY_HAND}", "of each round"]
    yield from table(head, _seconds(load, names))
    yield from _without(load)
    yield ""
    yield "Where the engine's own time goes, seconds of one more run that wrote its log at debug level:"
    yield ""
    yield from table(["", *PARTS, "all"], _where(load))
    yield ""
    for words, seconds in load["waits"].items():
        yield f"`engine {words}` takes {median(seconds):.2f} s.  "


def _seconds(load: Mapping[str, Any], names: Sequence[str]) -> Iterator[Sequence[str]]:
    for phase in PHASES:
        found = [f"{median(load['seconds'][name][phase]):.2f}" for name in names]
        times = ratios(load, phase)
        each = " ".join(f"{ratio:.2f}" for ratio in times)
        yield phase_name(load, phase) + ", s", *found, f"{median(times):.2f}", each
    yield "peak memory, MB", *(f"{peak(load, name) / 1e6:.0f}" for name in names), "", ""


def _without(load: Mapping[str, Any]) -> Iterator[str]:
    for name, reason in load["absent"].items():
        yield ""
        yield f"{name} is not in it: {reason}"


def _where(load: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for phase in PHASES:
        every = [load["where"][phase][part] for part in PARTS]
        yield phase_name(load, phase), *(f"{seconds:.2f}" for seconds in every), f"{sum(every):.2f}"


def _growth(growth: Mapping[str, Any]) -> Iterator[str]:
    yield _machine(growth)
    yield ""
    yield f"The engine alone; {growth['changes']:,} orders, and that share of the rest, changed."
    yield ""
    scales = by_size(growth["scales"])
    head = [
        "SCALE",
        "rows read",
        "full load, s",
        "µs per row",
        "changed, s",
        "nothing changed, s",
        "peak, MB",
    ]
    yield from table(head, (_scale(scale, found) for scale, found in scales))


def _scale(scale: str, found: Mapping[str, Any]) -> Sequence[str]:
    full, changed, nothing = (median(found["seconds"][phase]) for phase in PHASES)
    held = max(found["peaks"]) / 1e6
    times = f"{full:.2f}", f"{per_row(found):.2f}", f"{changed:.2f}", f"{nothing:.2f}"
    return scale, f"{found['rows']:,}", *times, f"{held:.0f}"


def _machine(found: Mapping[str, Any]) -> str:
    on = found["machine"]
    return (
        f"{on['measured']}, {on['cores']} cores, {on['memory_gib']} GiB, PostgreSQL {on['postgres']}, "
        f"Python {on['python']}, rounds: {found['rounds']}; load of the machine before: {on['load']}."
    )
