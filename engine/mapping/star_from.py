"""A document as the model: defaults filled in, short forms made long, Jinja rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from engine.errors import Problem
from engine.mapping.aggregates_from import aggregates_from
from engine.mapping.audit import AUDIT_COLUMNS
from engine.mapping.checks_from import checks_from, listed
from engine.mapping.clock import DAY_PARTS, generated_columns
from engine.mapping.document import Document
from engine.mapping.milestones import lag_column, lags_from
from engine.mapping.model import (
    Bridge,
    Cache,
    Calendar,
    Clock,
    Column,
    Connection,
    Cursor,
    Deletes,
    Dimension,
    Fact,
    Hierarchy,
    History,
    Holidays,
    Lookup,
    Measure,
    Parallel,
    Partition,
    Scalar,
    Snapshot,
    Source,
    SpecialMember,
    Star,
)
from engine.mapping.scalars import Plain
from engine.mapping.texts import Texts
from engine.mapping.values import parse_duration, parse_periods, parse_tolerance

MOST_GONE = (
    "10%"  # of a table, in one run: more looks like a source that is not all there (TRAPS 9)
)

DAY = 86_400  # seconds


def star_from(
    document: Document, data: Mapping[str, Plain], values: Mapping[str, Scalar]
) -> tuple[Star, list[Problem]]:
    """Return the star, and what is wrong with its texts; `data` is what has the right shape."""
    texts = Texts(document, values)
    given = data.get("dimensions") or {}
    natural_keys = {
        name: tuple(entry.get("columns", ()))
        if "junk" in entry
        else tuple(listed(entry.get("natural_key", "time" if "clock" in entry else "date")))
        for name, entry in given.items()
    }
    audit = _audit(data.get("audit", False))
    dimensions = tuple(
        _dimension(name, entry, texts, natural_keys, audit) for name, entry in given.items()
    )
    facts = tuple(
        _fact(name, entry, texts, natural_keys, audit)
        for name, entry in (data.get("facts") or {}).items()
    )
    inferring = _inferring(facts)
    star = Star(
        name=str(data.get("name", "")),
        dimensions=tuple(replace(d, inferred_by=inferring.get(d.name, "")) for d in dimensions),
        facts=facts,
        connections=_connections(data.get("connections") or {}),
        description=str(data.get("description", "")),
        aggregates=aggregates_from(data.get("aggregates") or {}, _columns, texts),
    )
    return star, texts.problems


def _inferring(facts: Iterable[Fact]) -> dict[str, str]:
    """Return the dimensions of which facts infer members, with the path of the first lookup that does."""
    infer = [x for fact in facts for x in fact.lookups if x.missing == "infer"]
    return {lookup.dimension: lookup.path for lookup in reversed(infer)}


def _connections(data: Mapping[str, Plain]) -> tuple[Connection, ...]:
    """Return the sources, then the warehouse; `source` is there even if nothing says so."""
    given = {"source": {"env": "SOURCE"}, **data}
    sources = [
        Connection(name, entry["env"]) for name, entry in given.items() if name != "warehouse"
    ]
    target = {"env": "WAREHOUSE", **data.get("warehouse", {})}
    return (*sources, Connection("warehouse", target["env"], target.get("schema", "public")))


def _dimension(
    name: str,
    data: Mapping[str, Plain],
    texts: Texts,
    natural_keys: Mapping[str, tuple[str, ...]],
    audit: tuple[str, ...],
) -> Dimension:
    path = f"dimensions.{name}"
    calendar = _calendar(data["calendar"], f"{path}.calendar") if "calendar" in data else None
    clock = _clock(data["clock"], f"{path}.clock") if "clock" in data else None
    columns = _columns(data.get("columns"), f"{path}.columns", texts)
    lookups = _lookups(data, path, texts, natural_keys)
    dimension = Dimension(
        name=name,
        key=data["key"],
        natural_key=natural_keys[name],
        columns=columns,
        source=_source(data["source"], f"{path}.source", texts) if "source" in data else None,
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
        audit=_audit(data["audit"]) if "audit" in data else audit,
        description=data.get("description", ""),
        path=path,
    )
    made = dimension.generated
    if made is None or columns:
        return dimension
    names = (column.name for column in generated_columns(dimension))
    return replace(dimension, columns=tuple(Column(name, path=made.path) for name in names))


def _fact(
    name: str,
    data: Mapping[str, Plain],
    texts: Texts,
    natural_keys: Mapping[str, tuple[str, ...]],
    audit: tuple[str, ...],
) -> Fact:
    path = f"facts.{name}"
    snapshot = _snapshot(data.get("snapshot"), f"{path}.snapshot")
    lags = lags_from(data.get("lags"), f"{path}.lags")
    return Fact(
        name=name,
        source=_source(data["source"], f"{path}.source", texts),
        grain=tuple(listed(data["grain"])),
        columns=(
            *_over_time(_columns(data.get("columns"), f"{path}.columns", texts), snapshot),
            *(lag_column(lag) for lag in lags),
        ),
        lookups=_lookups(data, path, texts, natural_keys),
        load=data.get("load", "append"),
        partition=_partition(data.get("partition"), f"{path}.partition"),
        snapshot=snapshot,
        milestones=tuple(listed(data.get("milestones", []))),
        lags=lags,
        bridge=_bridge(data.get("bridge"), f"{path}.bridge"),
        checks=checks_from(data.get("checks"), f"{path}.checks", texts),
        audit=_audit(data["audit"]) if "audit" in data else audit,
        description=data.get("description", ""),
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


def _audit(data: Plain) -> tuple[str, ...]:
    """Return the words of the audit columns, in one order whichever way they are named."""
    if isinstance(data, bool):
        return tuple(AUDIT_COLUMNS) if data else ()
    named = listed(data)
    return tuple(word for word in AUDIT_COLUMNS if word in named)


def _snapshot(data: Plain, path: str) -> Snapshot | None:
    if data is None:
        return None
    days = -(-parse_duration(data.get("lag", "1d")) // DAY)
    start = _date(data["from"]) if "from" in data else None
    return Snapshot(data["every"], data["column"], start, max(1, days), path)


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


def _calendar(data: Mapping[str, Plain], path: str) -> Calendar:
    return Calendar(
        start=_date(data["from"]),
        end=_date(data["to"]),
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


def _date(text: str) -> date:
    return date.fromisoformat(text)


def _cache(data: Plain, path: str) -> Cache | None:
    return None if data is None else Cache(parse_duration(data["ttl"]), path)


def _source(data: Plain, path: str, texts: Texts) -> Source:
    entry = data if isinstance(data, dict) else {"query": data}
    dedupe = entry.get("dedupe")
    cursors = _cursors(entry.get("cursor"), f"{path}.cursor")
    return Source(
        query=texts.query(texts.document.text_path(path, "query"), entry["query"]),
        connection=entry.get("connection", "source"),
        cursor=cursors[0] if cursors else None,
        more_cursors=cursors[1:],
        dedupe=None if dedupe is None else texts.order(f"{path}.dedupe", dedupe),
        allow_empty=entry.get("allow_empty", False),
        range=entry.get("range", ""),
        deletes=_deletes(entry.get("deletes"), f"{path}.deletes"),
        parallel=_parallel(entry.get("parallel"), f"{path}.parallel"),
        path=path,
    )


def _cursors(data: Plain, path: str) -> tuple[Cursor, ...]:
    if isinstance(data, list):
        return tuple(_cursor(each, f"{path}.{n}") for n, each in enumerate(data))
    return () if data is None else (_cursor(data, path),)


def _cursor(data: Plain, path: str) -> Cursor:
    entry = data if isinstance(data, dict) else {"column": data}
    lag = entry.get("lag")
    return Cursor(
        column=entry["column"],
        null=entry.get("null", "always"),
        lag=None if lag is None else parse_duration(lag),
        path=path,
    )


def _parallel(data: Plain, path: str) -> Parallel | None:
    if data is None:
        return None
    entry = data if isinstance(data, dict) else {"streams": data}
    return Parallel(entry["streams"], entry.get("by", ""), path)


def _deletes(data: Plain, path: str) -> Deletes | None:
    if data is None:
        return None
    entry = data if isinstance(data, dict) else {"policy": data}
    return Deletes(entry.get("policy", ""), parse_tolerance(entry.get("max", MOST_GONE)), path)


def _columns(data: Mapping[str, Plain] | None, path: str, texts: Texts) -> tuple[Column, ...]:
    return tuple(
        _column(name, entry, f"{path}.{name}", texts) for name, entry in (data or {}).items()
    )


def _column(name: str, data: Plain, path: str, texts: Texts) -> Column:
    entry = data if isinstance(data, dict) else {"expr": data}
    expr, kind = entry.get("expr"), entry.get("type")
    at = texts.document.text_path(path, "expr")
    return Column(
        name=name,
        expr=None if expr is None else texts.expression(at, expr),
        type=None if kind is None else texts.type(f"{path}.type", kind),
        description=entry.get("description", ""),
        scd=entry.get("scd", 1),
        previous=entry.get("previous", ""),
        measure=_measure(entry.get("measure"), f"{path}.measure"),
        unit=entry.get("unit", ""),
        format=entry.get("format", ""),
        path=path,
    )


def _lookups(
    data: Mapping[str, Plain],
    path: str,
    texts: Texts,
    natural_keys: Mapping[str, tuple[str, ...]],
) -> tuple[Lookup, ...]:
    return tuple(
        _lookup(column, entry, f"{path}.lookups.{column}", texts, natural_keys)
        for column, entry in data.get("lookups", {}).items()
    )


def _measure(data: Plain, path: str) -> Measure | None:
    if data is None:
        return None
    entry = data if isinstance(data, dict) else {"kind": data}
    return Measure(entry["kind"], tuple(listed(entry.get("except", []))), path)


def _lookup(
    column: str,
    data: Mapping[str, Plain],
    path: str,
    texts: Texts,
    natural_keys: Mapping[str, tuple[str, ...]],
) -> Lookup:
    on = data.get("on")
    pairs: tuple[tuple[str, str], ...] = ()
    if isinstance(on, dict):
        pairs = tuple(
            (name, texts.expression(f"{path}.on.{name}", expr)) for name, expr in on.items()
        )
    elif on is not None:
        # A text stands for the one natural key column; check.py says so if there are several.
        natural_key = natural_keys.get(data["dimension"], ())
        name = natural_key[0] if len(natural_key) == 1 else ""
        pairs = ((name, texts.expression(f"{path}.on", on)),)
    as_of = data.get("as_of")
    return Lookup(
        column=column,
        dimension=data["dimension"],
        on=pairs,
        missing=data.get("missing", "unknown"),
        as_of=None if as_of is None else texts.expression(f"{path}.as_of", as_of),
        scd=data.get("scd", 1),
        key=data.get("key", "surrogate"),
        description=data.get("description", ""),
        role=data.get("role", ""),
        path=path,
    )


def _special_member(name: str, data: Mapping[str, Plain], path: str) -> SpecialMember:
    values = tuple((column, value) for column, value in data.items() if column != "key")
    return SpecialMember(name, int(data["key"]), values, path)
