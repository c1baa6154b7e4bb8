"""Rules about dates of facts: by what one can be partitioned, and brought in line for a range."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.dated import HOW, dated
from engine.mapping.document import Document
from engine.mapping.model import Fact, Star

DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}


def partitions_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find partitions by what is no column of the fact, and less kept than one period."""
    for fact in star.facts:
        yield from _by(fact, document)
        partition = fact.partition
        if partition and partition.keep:
            count, unit = partition.keep
            if count * DAYS[unit] < DAYS[partition.every]:
                what = f"keeps {count} {unit}{'s' * (count > 1)} of partitions of a {partition.every} each"
                hint = "keep at least one of them, or make them shorter"
                yield document.problem(f"{partition.path}.keep", what, hint)


def _by(fact: Fact, document: Document) -> Iterator[Problem]:
    partition = fact.partition
    if partition is None or partition.by in {column.name for column in fact.columns}:
        return
    path = f"{partition.path}.by"
    if partition.by in {lookup.column for lookup in fact.lookups}:
        what = f"'{partition.by}' is the key of a lookup"
        hint = "partition by a date or timestamp of columns, which may be one that the lookup is on"
        yield document.problem(path, what, hint)
    else:
        hint = did_you_mean(partition.by, [column.name for column in fact.columns])
        yield document.problem(path, f"the fact has no column '{partition.by}'", hint)


def ranges_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find a range in a dimension, and one that says nothing about the rows of the fact."""
    for dimension in star.dimensions:
        if dimension.source and dimension.source.range:
            path = f"{dimension.source.path}.range"
            what = "range is for facts, which --from and --to bring in line"
            yield document.problem(path, what, "drop it: dimensions are brought in line as ever")
    for fact in star.facts:
        if fact.source.range and dated(star, fact) is None:
            what = f"'{fact.source.range}' is no column of the fact, and no lookup in a calendar is on it"
            columns = [column.name for column in fact.columns if column.expr is None]
            close = did_you_mean(fact.source.range, columns)
            hint = close if close.startswith("did") else HOW
            yield document.problem(f"{fact.source.path}.range", what, hint)
