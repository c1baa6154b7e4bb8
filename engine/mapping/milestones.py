"""Accumulating snapshots: the lags between milestones, as columns that are computed from them."""

from __future__ import annotations

from collections.abc import Mapping

from engine.mapping.model import Column, Lag, Measure
from engine.mapping.scalars import Plain

LAG_TYPE = "numeric(18,2)"
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def lags_from(data: Mapping[str, Plain] | None, path: str) -> tuple[Lag, ...]:
    """Return the lags of a fact in their long form."""
    return tuple(
        Lag(
            name=name,
            start=entry["from"],
            end=entry["to"],
            unit=entry.get("unit", "days"),
            description=entry.get("description", ""),
            path=f"{path}.{name}",
        )
        for name, entry in (data or {}).items()
    )


def lag_column(lag: Lag) -> Column:
    """Return the column of a lag; an infinite time is as good as none, as nothing can be counted to it."""
    start, end = (f"{_quoted(name)}::timestamp" for name in (lag.start, lag.end))
    passed = f"extract(epoch from {end} - {start}) / {SECONDS[lag.unit]}"
    return Column(
        name=lag.name,
        expr=f"case when isfinite({start}) and isfinite({end}) then {passed} end",
        type=LAG_TYPE,
        description=lag.description or f"{lag.unit.capitalize()} from {lag.start} to {lag.end}",
        measure=Measure("additive", path=lag.path),
        unit=lag.unit,
        path=lag.path,
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
