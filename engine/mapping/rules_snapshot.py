"""Rules about periodic snapshots: the column of the period, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Fact, Snapshot, Star


def snapshots_have_periods(star: Star, document: Document) -> Iterator[Problem]:
    """Find snapshots without their word or their column, and those that a cursor would leave incomplete."""
    for fact in star.facts:
        if fact.load == "snapshot" and fact.snapshot is None:
            what = "load: snapshot, but nothing says of which periods"
            hint = "add snapshot: {every: month, column: month}, a column of the fact and its grain"
            yield document.problem(f"{fact.path}.load", what, hint)
        if fact.snapshot and fact.load != "snapshot":
            what = f"a snapshot, but load: {fact.load} knows no periods"
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
