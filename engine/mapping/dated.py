"""The date of a fact: by what a range of days is chosen, in the source and in the star alike."""

from __future__ import annotations

from engine.mapping.model import Fact, Star
from engine.mapping.scan import column_of
from engine.values import dataclass

HOW = (
    "say by source.range which column of the query is its date: one that is a column of the fact too, "
    "or that a lookup in a calendar is on"
)


@dataclass(frozen=True, slots=True)
class Dated:
    """The column of the query, and that of the fact, by which a range is chosen; a key is a number."""

    asked: str
    column: str
    key: bool = False


def dated(star: Star, fact: Fact) -> Dated | None:
    """Return by what a range of a fact is chosen, None when there is nothing."""
    name = fact.source.range or (fact.partition.by if fact.partition else "")
    copied = {column.name for column in fact.columns if column.expr is None}
    if name in copied:
        return Dated(name, name)
    # One that is not there, which is told elsewhere, may have been meant as a calendar.
    others = {dimension.name for dimension in star.dimensions if not dimension.calendar}
    for lookup in fact.lookups:
        looked_up = [column_of(expression) for _, expression in lookup.on]
        if lookup.dimension not in others and looked_up == [name] and name:
            return Dated(name, lookup.column, key=True)
    return None
