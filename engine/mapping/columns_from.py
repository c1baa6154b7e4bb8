"""The columns of an entry, and its lookups."""

from __future__ import annotations

from collections.abc import Mapping

from engine.mapping.model import Column, Lookup, Measure
from engine.mapping.scalars import Plain
from engine.mapping.texts import Texts
from engine.mapping.values import listed


def columns_from(data: Mapping[str, Plain] | None, path: str, texts: Texts) -> tuple[Column, ...]:
    """Return the columns at `path`, each in its long form."""
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


def _measure(data: Plain, path: str) -> Measure | None:
    if data is None:
        return None
    entry = data if isinstance(data, dict) else {"kind": data}
    return Measure(entry["kind"], tuple(listed(entry.get("except", []))), path)


def lookups_from(
    data: Mapping[str, Plain],
    path: str,
    texts: Texts,
    natural_keys: Mapping[str, tuple[str, ...]],
) -> tuple[Lookup, ...]:
    """Return the lookups of the entry at `path`; `natural_keys` are those of every dimension."""
    return tuple(
        _lookup(column, entry, f"{path}.lookups.{column}", texts, natural_keys)
        for column, entry in data.get("lookups", {}).items()
    )


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
        null=data.get("null", ""),
        path=path,
    )
