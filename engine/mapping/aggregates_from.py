"""Aggregates of a document as the model."""

from __future__ import annotations

from collections.abc import Mapping

from engine.mapping.checks_from import checks_from
from engine.mapping.columns_from import columns_from
from engine.mapping.model import Aggregate, Column, Group
from engine.mapping.scalars import Plain
from engine.mapping.texts import Texts


def aggregates_from(data: Mapping[str, Plain], texts: Texts) -> tuple[Aggregate, ...]:
    """Return every aggregate; what groups are told apart by are its first columns."""
    return tuple(_aggregate(name, entry, texts) for name, entry in data.items())


def _aggregate(name: str, data: Mapping[str, Plain], texts: Texts) -> Aggregate:
    path = f"aggregates.{name}"
    by = tuple(_group(each, entry, f"{path}.by.{each}") for each, entry in data["by"].items())
    groups = tuple(Column(g.name, description=g.description, path=g.path) for g in by)
    sums = columns_from(data["columns"], f"{path}.columns", texts)
    return Aggregate(
        name=name,
        fact=data["fact"],
        by=by,
        columns=(*groups, *sums),
        checks=checks_from(data.get("checks"), f"{path}.checks", texts),
        description=data.get("description", ""),
        path=path,
    )


def _group(name: str, data: Plain, path: str) -> Group:
    entry = data if isinstance(data, dict) else {"column": name if data is None else data}
    return Group(
        name=name,
        column=entry.get("column", name),
        lookup=entry.get("lookup", ""),
        description=entry.get("description", ""),
        path=path,
    )
