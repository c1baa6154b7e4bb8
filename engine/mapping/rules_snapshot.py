"""Rules about periodic snapshots: the column of the period, how they are read, and what makes them dense."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Dimension, Fact, Lookup, Snapshot, Star
from engine.mapping.scan import column_of


def snapshots_have_periods(star: Star, document: Document) -> Iterator[Problem]:
    """Find snapshots without their word or their column, and those that a cursor would leave incomplete."""
    for fact in star.facts:
        if fact.load == "snapshot" and fact.snapshot is None:
            what = "load: snapshot, but nothing says of which periods"
            hint = "add snapshot: {every: month, column: month}, a column of the fact and its grain"
            yield document.problem(f"{fact.path}.load", what, hint)
        if fact.snapshot and fact.load != "snapshot":
            default = "" if f"{fact.path}.load" in document.spans else ", the default,"
            what = f"a snapshot, but load: {fact.load}{default} knows no periods"
            yield document.problem(fact.snapshot.path, what, "set load: snapshot, or drop it")
        elif fact.snapshot:
            yield from _column(fact, fact.snapshot, document)
            if fact.source.cursor:
                what = "a cursor, but a snapshot reads all rows of its periods"
                yield document.problem(fact.source.cursor.path, what, "drop the cursor")
            if fact.source.parallel:
                what = "parallel, but a snapshot reads its query period by period"
                yield document.problem(fact.source.parallel.path, what, "drop it")
            if fact.source.deletes:
                what = "deletes, but a snapshot replaces the rows of the periods that it reads"
                yield document.problem(fact.source.deletes.path, what, "drop it")


def _column(fact: Fact, snapshot: Snapshot, document: Document) -> Iterator[Problem]:
    path, name = f"{snapshot.path}.column", snapshot.column
    own = {column.name: column for column in fact.columns}
    if name not in own:
        hint = did_you_mean(name, own)
        add = f"add it to {fact.path}.columns; the engine fills it with the first day of the period"
        what = f"{fact.name} has no column '{name}'"
        yield document.problem(path, what, hint if hint.startswith("did") else add)
    elif own[name].expr or own[name].type:
        what = f"'{name}' is computed, and the engine fills it with the first day of the period"
        yield document.problem(path, what, "drop its expression and type: it is a date")
    elif name not in fact.grain:
        what = f"'{name}' is not in the grain, so that a row would be of one period alone"
        yield document.problem(path, what, f"add it to {fact.path}.grain")


def dense_snapshots_can_be_filled(star: Star, document: Document) -> Iterator[Problem]:
    """Find dense snapshots of what no row could be made: the grain would not be known, or a key."""
    dimensions = {dimension.name: dimension for dimension in star.dimensions}
    for fact in star.facts:
        snapshot = fact.snapshot
        if fact.load == "snapshot" and snapshot and snapshot.dense:
            yield from _members(fact, snapshot, dimensions, document)
            yield from _beside(fact, snapshot, document)
            for lookup in fact.lookups:
                if lookup.column not in (*fact.grain, *snapshot.dense) and not lookup.null:
                    yield from _keyless(fact, lookup, dimensions, document)


def _members(
    fact: Fact, snapshot: Snapshot, dimensions: dict[str, Dimension], document: Document
) -> Iterator[Problem]:
    """Find names that are no lookups of the grain, and days as members of periods."""
    lookups = {lookup.column: lookup for lookup in fact.lookups}
    for at, name in enumerate(snapshot.dense):
        path = document.item_path(f"{snapshot.path}.dense", name, at)
        if name not in lookups:
            hint = did_you_mean(name, lookups) or f"add it to {fact.path}.lookups"
            yield document.problem(path, f"{fact.name} has no lookup '{name}'", hint)
            continue
        dimension = dimensions.get(lookups[name].dimension)
        if name not in fact.grain:
            what = (
                f"'{name}' is not in the grain, so that no row would be of one of its members alone"
            )
            yield document.problem(path, what, f"add it to {fact.path}.grain")
        if dimension and dimension.calendar:
            what = f"{dimension.name} is a calendar, and no period has each day of it"
            yield document.problem(path, what, f"drop it: {snapshot.column} tells the period")
    known = (snapshot.column, *snapshot.dense)
    rest = [name for name in fact.grain if name not in known]
    # A column that is not there may be meant by what is left, which is told already.
    of_periods = snapshot.column in (column.name for column in fact.columns)
    if rest and of_periods and all(name in lookups for name in snapshot.dense):
        what = f"the grain has {', '.join(rest)} too, and nothing says which of it there are in a period"
        other = [name for name in rest if name not in lookups]
        hint = (
            f"{', '.join(other)}: make it a dimension with a lookup, or take it out of the grain"
            if other
            else "name it in dense as well, or take it out of the grain"
        )
        yield document.problem(f"{snapshot.path}.dense", what, hint)


def _beside(fact: Fact, snapshot: Snapshot, document: Document) -> Iterator[Problem]:
    """Find words that need what a row that is made has not: a weight, a date of its own."""
    if fact.bridge:
        what = "a bridge, but rows that dense makes have no weight"
        yield document.problem(fact.bridge.path, what, "drop one of them")
    if fact.partition and fact.partition.by != snapshot.column:
        what = f"rows that dense makes have no '{fact.partition.by}', but a period"
        hint = f"set by: {snapshot.column}"
        yield document.problem(f"{fact.partition.path}.by", what, hint)


def _keyless(
    fact: Fact, lookup: Lookup, dimensions: dict[str, Dimension], document: Document
) -> Iterator[Problem]:
    """Find lookups that a row that is made has no key for."""
    dimension = dimensions.get(lookup.dimension)
    if dimension and dimension.junk and not lookup.on:
        what = f"rows that dense makes have no combination of {dimension.name}"
        yield document.problem(lookup.path, what, "drop the lookup, or name it in grain and dense")
    has = _values_of_made(fact)
    finds = all(column_of(expression) in has for _, expression in lookup.on)
    if lookup.missing == "reject" and finds:
        what = "missing: reject, but a row that dense makes cannot be rejected"
        yield document.problem(f"{lookup.path}.missing", what, "set missing: fail or unknown")
    elif lookup.missing in ("reject", "fail") and not finds:
        what = f"missing: {lookup.missing}, but rows that dense makes have nothing to look up"
        hint = f"say null: <a special member of {lookup.dimension}>, or missing: unknown"
        yield document.problem(f"{lookup.path}.missing", what, hint)


def _values_of_made(fact: Fact) -> set[str]:
    """Return the columns of the query that a row which is made has: its period, and the ends of it."""
    times = {column_of(lookup.as_of or "") for lookup in fact.dense} - {""}
    return times | ({fact.snapshot.column} if fact.snapshot else set())
