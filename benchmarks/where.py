"""Where the time of a run of the engine goes, from its log at debug level and its report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

PARTS = ("start", "read", "stage", "load", "check", "commit")
# What is done beside the loading, on connections of its own; `analyze` is done on both.
BESIDE = (
    "create stage",
    "copy",
    "fill calendar",
    "fill clock",
    "read cursors",
    "count source",
    "count null cursors",
)
CHECK = "check "
BEGIN = "begin "
CLOSE = 0.005  # seconds; the log has milliseconds

Span = tuple[float, float]


def where(log: str, began: float, entered: float, ended: float) -> dict[str, float]:
    """Return the seconds of each part; they add up to the whole process, from `began` to `ended`.

    start: the interpreter, the mapping, connections, until the run is `entered` in the ledger. read: what
    the databases are asked before the first step. load: the steps of schema, dimensions and facts. stage:
    the rest until the first check, in which loading waits for rows, which arrive beside it otherwise.
    check: until the last step. commit: watermarks, ledger, COMMIT, report, and the end of the process.
    Moments are in seconds of the clock.
    """
    lines = [line for line in _lines(log) if line.get("step")]
    moments = [_moment(line) for line in lines]
    if not lines:
        raise ValueError(
            "the log has no steps: it has to be of LOG_FORMAT=json and LOG_LEVEL=debug"
        )
    first, last = moments[0], moments[-1]
    checks = (m for m, line in zip(moments, lines, strict=True) if _of_check(line))
    checked = next(checks, last)
    load = _covered(_loading(lines), first, checked)
    return {
        "start": entered - began,
        "read": first - entered,
        "stage": checked - first - load,
        "load": load,
        "check": last - checked,
        "commit": ended - last,
    }


def slowest(report: Mapping[str, Any], most: int = 6) -> Iterator[str]:
    """Name the steps of a report that took longest."""
    for step in sorted(report["steps"], key=lambda s: -s["seconds"])[:most]:
        yield f"  {step['seconds']:6.3f}  {step['entry']}: {step['title']}, {step['rows']:,} rows"


def _lines(log: str) -> Iterator[dict[str, Any]]:
    for line in log.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _moment(line: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()


def _title(line: Mapping[str, Any]) -> str:
    return str(line["message"]).removeprefix(BEGIN)


def _of_check(line: Mapping[str, Any]) -> bool:
    return str(line["message"]).startswith(BEGIN + CHECK)


def _loading(lines: Iterable[Mapping[str, Any]]) -> Iterator[Span]:
    """Go through the spans of the loading's own steps: told at once, unlike a stage's."""
    begun: dict[str, float] = {}
    for line in lines:
        moment = _moment(line)
        if str(line["message"]).startswith(BEGIN):
            begun[line["step"]] = moment
            continue
        if "seconds" not in line or _title(line) in BESIDE or line["step"] not in begun:
            continue
        start = moment - line["seconds"]
        if abs(start - begun[line["step"]]) <= CLOSE:
            yield start, moment


def _covered(spans: Iterable[Span], first: float, last: float) -> float:
    """Return how much of the time between two moments is in any of these spans."""
    total, until = 0.0, first
    for start, end in sorted(spans):
        total += max(0.0, min(end, last) - max(start, until))
        until = max(until, end)
    return total
