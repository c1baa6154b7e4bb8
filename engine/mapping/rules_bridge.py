"""Rules about bridges: their groups and weights are columns of the fact."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Star


def bridges_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find groups and weights that are not there, and groups that can have one row only."""
    for fact in star.facts:
        bridge = fact.bridge
        if bridge is None:
            continue
        columns = [column.name for column in fact.columns]
        keys = [lookup.column for lookup in fact.lookups]
        for at, name in enumerate(bridge.group):
            if name not in (*keys, *columns):
                path = document.item_path(f"{bridge.path}.group", name, at)
                what = f"{fact.name} has no column '{name}'"
                yield document.problem(path, what, did_you_mean(name, [*keys, *columns]))
        if bridge.weight not in columns:
            what = f"{fact.name} has no column '{bridge.weight}'"
            hint = did_you_mean(bridge.weight, columns)
            yield document.problem(f"{bridge.path}.weight", what, hint)
        if set(fact.grain) <= set(bridge.group):
            what = f"each group has one row, as the grain is {', '.join(fact.grain)}"
            hint = "a group is a part of the grain: its key, which several rows have"
            yield document.problem(f"{bridge.path}.group", what, hint)
