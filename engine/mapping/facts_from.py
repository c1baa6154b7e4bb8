"""A fact of a document as the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from engine.mapping.audit import audited
from engine.mapping.checks_from import checks_from
from engine.mapping.columns_from import columns_from, lookups_from
from engine.mapping.milestones import lag_column, lags_from
from engine.mapping.model import Bridge, Column, Fact, Partition, Snapshot
from engine.mapping.scalars import Plain
from engine.mapping.sources_from import source_from
from engine.mapping.texts import Texts
from engine.mapping.values import listed, parse_duration, parse_periods

DAY = 86_400  # seconds


def fact_from(
    name: str,
    data: Mapping[str, Plain],
    texts: Texts,
    natural_keys: Mapping[str, tuple[str, ...]],
    audit: tuple[str, ...],
) -> Fact:
    """Return a fact; `audit` is what it has where it does not say so itself."""
    path = f"facts.{name}"
    snapshot = _snapshot(data.get("snapshot"), f"{path}.snapshot")
    lags = lags_from(data.get("lags"), f"{path}.lags")
    return Fact(
        name=name,
        source=source_from(data["source"], f"{path}.source", texts),
        grain=tuple(listed(data["grain"])),
        columns=(
            *_over_time(columns_from(data.get("columns"), f"{path}.columns", texts), snapshot),
            *(lag_column(lag) for lag in lags),
        ),
        lookups=lookups_from(data, path, texts, natural_keys),
        load=data.get("load", "append"),
        partition=_partition(data.get("partition"), f"{path}.partition"),
        snapshot=snapshot,
        milestones=tuple(listed(data.get("milestones", []))),
        lags=lags,
        bridge=_bridge(data.get("bridge"), f"{path}.bridge"),
        checks=checks_from(data.get("checks"), f"{path}.checks", texts),
        audit=audited(data["audit"]) if "audit" in data else audit,
        description=data.get("description", ""),
        path=path,
    )


def _over_time(columns: tuple[Column, ...], snapshot: Snapshot | None) -> tuple[Column, ...]:
    """Let semi-additive measures of a snapshot say that its periods are what they are not summed over."""
    if snapshot is None:
        return columns
    return tuple(
        replace(column, measure=replace(column.measure, apart=(snapshot.column,)))
        if column.measure and column.measure.kind == "semi-additive" and not column.measure.apart
        else column
        for column in columns
    )


def _snapshot(data: Plain, path: str) -> Snapshot | None:
    if data is None:
        return None
    days = parse_duration(data.get("lag", "1d")) // DAY
    start = date.fromisoformat(data["from"]) if "from" in data else None
    dense = tuple(listed(data.get("dense", [])))
    return Snapshot(data["every"], data["column"], start, days, dense, path)


def _partition(data: Plain, path: str) -> Partition | None:
    if data is None:
        return None
    return Partition(
        by=data["by"],
        every=data["every"],
        ahead=int(data.get("ahead", 1)),
        keep=parse_periods(data["keep"]) if "keep" in data else None,
        path=path,
    )


def _bridge(data: Plain, path: str) -> Bridge | None:
    if data is None:
        return None
    tolerance = data.get("tolerance")
    return Bridge(
        group=tuple(listed(data["group"])),
        weight=data["weight"],
        tolerance=None if tolerance is None else Decimal(str(tolerance)),
        severity=data.get("severity", "error"),
        path=path,
    )
