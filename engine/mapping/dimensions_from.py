"""A dimension of a document as the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from engine.mapping.audit import audited
from engine.mapping.checks_from import checks_from
from engine.mapping.clock import DAY_PARTS, generated_columns
from engine.mapping.columns_from import columns_from, lookups_from
from engine.mapping.model import (
    Cache,
    Calendar,
    Clock,
    Column,
    Dimension,
    Hierarchy,
    History,
    Holidays,
    Lookup,
    SpecialMember,
)
from engine.mapping.scalars import Plain
from engine.mapping.sources_from import source_from
from engine.mapping.texts import Texts
from engine.mapping.values import listed, parse_duration


def dimension_from(
    name: str,
    data: Mapping[str, Plain],
    texts: Texts,
    natural_keys: Mapping[str, tuple[str, ...]],
    audit: tuple[str, ...],
) -> Dimension:
    """Return a dimension; `audit` is what it has where it does not say so itself."""
    path = f"dimensions.{name}"
    calendar = _calendar(data["calendar"], f"{path}.calendar") if "calendar" in data else None
    clock = _clock(data["clock"], f"{path}.clock") if "clock" in data else None
    columns = columns_from(data.get("columns"), f"{path}.columns", texts)
    lookups = lookups_from(data, path, texts, natural_keys)
    dimension = Dimension(
        name=name,
        key=data["key"],
        natural_key=natural_keys[name],
        columns=columns,
        source=source_from(data["source"], f"{path}.source", texts) if "source" in data else None,
        calendar=calendar,
        clock=clock,
        junk=tuple(listed(data["junk"])) if "junk" in data else (),
        lookups=lookups,
        load=data.get("load", "upsert"),
        history=_history(data, (*columns, *lookups), f"{path}.history", texts),
        durable_key=data.get("durable_key", ""),
        hierarchy=_hierarchy(data.get("hierarchy"), name, natural_keys[name], path),
        special_members=tuple(
            _special_member(member, values, f"{path}.special_members.{member}")
            for member, values in data.get("special_members", {}).items()
        ),
        cache=_cache(data.get("cache"), f"{path}.cache"),
        checks=checks_from(data.get("checks"), f"{path}.checks", texts),
        audit=audited(data["audit"]) if "audit" in data else audit,
        description=data.get("description", ""),
        path=path,
    )
    made = dimension.generated
    if made is None or columns:
        return dimension
    names = (column.name for column in generated_columns(dimension))
    return replace(dimension, columns=tuple(Column(name, path=made.path) for name in names))


def _history(
    data: Mapping[str, Plain], columns: tuple[Column | Lookup, ...], path: str, texts: Texts
) -> History | None:
    """Return the history of a dimension: one that is asked for, or that a type 2 column needs."""
    if "history" not in data and all(column.scd != 2 for column in columns):
        return None
    entry = data.get("history") or {}
    effective = entry.get("effective")
    return History(
        effective=None if effective is None else texts.expression(f"{path}.effective", effective),
        first=entry.get("first", "beginning"),
        type_1=entry.get("type_1", "all"),
        no_overlap=entry.get("no_overlap", False),
        path=path if "history" in data else next(c.path for c in columns if c.scd == 2),
    )


def _hierarchy(data: Plain, name: str, natural_key: tuple[str, ...], path: str) -> Hierarchy | None:
    if data is None:
        return None
    parent = data["parent"]
    # A text stands for the one natural key column; rules_hierarchy says so if there are several.
    pairs = parent if isinstance(parent, dict) else dict.fromkeys(natural_key[:1], parent)
    return Hierarchy(
        parent=tuple((own, above) for own, above in pairs.items()),
        table=data.get("table", f"{name}_hierarchy"),
        cycles=data.get("cycles", "fail"),
        path=f"{path}.hierarchy",
    )


def _special_member(name: str, data: Mapping[str, Plain], path: str) -> SpecialMember:
    values = tuple((column, value) for column, value in data.items() if column != "key")
    return SpecialMember(name, int(data["key"]), values, path)


def _cache(data: Plain, path: str) -> Cache | None:
    return None if data is None else Cache(parse_duration(data["ttl"]), path)


def _calendar(data: Mapping[str, Plain], path: str) -> Calendar:
    return Calendar(
        start=date.fromisoformat(data["from"]),
        end=date.fromisoformat(data["to"]),
        week_starts=data.get("week_starts", "monday"),
        fiscal_year_starts=int(data.get("fiscal_year_starts", 1)),
        fiscal_pattern=tuple(int(n) for n in data.get("fiscal_pattern", "").split("-") if n),
        locale=data.get("locale", ""),
        holidays=Holidays(**data["holidays"]) if "holidays" in data else None,
        path=path,
    )


def _clock(data: Mapping[str, Plain], path: str) -> Clock:
    given = data.get("day_parts")
    return Clock(data["step"], tuple(given.items()) if given else DAY_PARTS, path)
