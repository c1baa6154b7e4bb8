"""What was measured: kept as JSON, each scale by itself, and held against the goals."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.contenders import CHANGED, FULL, NOTHING, PHASES

ENGINE, BY_HAND = "engine", "by hand"
GROWN = (
    "5"  # the scale at which the same number of changes may take 30 % more or less than at scale 1
)
FOLDER = Path(__file__).parent

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted, what was found, and whether that is enough."""

    what: str
    wanted: str
    found: str
    met: bool


def read(folder: Path) -> Results:
    """Return what has been measured so far."""
    path = folder / "results.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"loads": {}}


def write(folder: Path, results: Results) -> None:
    """Keep it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")


def machine(server_version: str) -> dict[str, Any]:
    """Tell what it is measured on, and how busy that is at the moment."""
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "load": round(psutil.getloadavg()[0], 1),
        "python": platform.python_version(),
        "postgres": server_version,
    }


def label(scale: float) -> str:
    """Return a scale as it is written: 1, 0.1."""
    return f"{scale:g}"


def ratios(load: Mapping[str, Any], phase: str) -> list[float]:
    """Return how many times as long as by hand the engine took in each round."""
    one, other = (load["seconds"][who][phase] for who in (ENGINE, BY_HAND))
    return [mine / theirs for mine, theirs in zip(one, other, strict=True)]


def peak(load: Mapping[str, Any], who: str) -> int:
    """Return the most memory that somebody ever held, in bytes."""
    return max(peak for peaks in load["peaks"][who].values() for peak in peaks)


def per_row(scale: Mapping[str, Any]) -> float:
    """Return the microseconds of a full load for each row that was read."""
    return median(scale["seconds"][FULL]) / scale["rows"] * 1e6


def by_size(scales: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what was measured at each scale, the smallest first."""
    return sorted(scales.items(), key=lambda item: float(item[0]))


def goals(results: Results) -> Iterator[Goal]:
    """Hold all that was measured against the goals; what has not been is not in it."""
    for scale, load in by_size(results["loads"]):
        if float(scale) >= 1:
            yield _most(f"full load at SCALE {scale}, times by hand", ratios(load, FULL), 0.8)
        if scale == "1":
            seconds = load["seconds"][ENGINE]
            if one_percent(load):
                yield _most("1 % changed at SCALE 1, s", seconds[CHANGED], 0.6)
            yield _most("nothing changed at SCALE 1, s", seconds[NOTHING], 0.5)
            yield _most("engine validate, s", load["waits"]["validate"], 0.4)
            yield _most("engine --help, s", load["waits"]["--help"], 0.15)
    yield from _memory(results)
    if growth := results.get("growth"):
        yield from _growth(dict(by_size(growth["scales"])))


def _growth(scales: Mapping[str, Any]) -> Iterator[Goal]:
    first = scales.get("1")
    for scale, found in scales.items():
        if first and scale != "1":
            share = per_row(found) / per_row(first)
            what = f"time per row of a full load at SCALE {scale}, times SCALE 1"
            yield Goal(what, "0.85 to 1.15", f"{share:.2f}", 0.85 <= share <= 1.15)
    if first and GROWN in scales:
        one, grown = (median(scales[scale]["seconds"][CHANGED]) for scale in ("1", GROWN))
        what = f"the same number changed at SCALE {GROWN}, times SCALE 1"
        yield Goal(what, "0.70 to 1.30", f"{grown / one:.2f}", 0.7 <= grown / one <= 1.3)


def _most(what: str, found: Sequence[float], most: float) -> Goal:
    value = median(found)
    return Goal(what, f"at most {most}", f"{value:.2f}", value <= most)


def _memory(results: Results) -> Iterator[Goal]:
    held = {scale: peak(load, ENGINE) for scale, load in results["loads"].items()}
    for scale, found in results.get("growth", {"scales": {}})["scales"].items():
        held[scale] = max(*found["peaks"], held.get(scale, 0))
    for scale, most in by_size(held):
        what = f"peak memory at SCALE {scale}, MB"
        yield Goal(what, "under 100", f"{most / 1e6:.0f}", most < 100e6)


def phase_name(load: Mapping[str, Any], phase: str) -> str:
    """Return what a phase is called: `1 % changed`, or how many where it is another share."""
    names = dict(zip(PHASES, ("full load", "", "nothing changed"), strict=True))
    return names[phase] or ("1 % changed" if one_percent(load) else f"{load['changes']:,} changed")


def one_percent(load: Mapping[str, Any]) -> bool:
    """Return whether one order in a hundred was changed."""
    return bool(load["changes"] * 100 == load["orders"])
