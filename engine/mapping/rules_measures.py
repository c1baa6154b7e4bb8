"""Rules about measures: where they may be declared, and over what a semi-additive one is not summed."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.measures import measure_rows, view_name
from engine.mapping.model import Column, Dimension, Entry, Star


def measures_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find words about measures where nothing is measured, and measures that are no such thing."""
    for entry in star.entries:
        for column in entry.columns:
            if isinstance(entry, Dimension):
                yield from _in_dimension(column, document)
            else:
                yield from _words(column, document)
                yield from _apart(entry, column, document)
                if column.measure and column.name in entry.grain:
                    what = f"a measure, but '{column.name}' is of the grain, which tells rows apart"
                    yield document.problem(column.measure.path, what, "drop it: nobody sums a key")


def _in_dimension(column: Column, document: Document) -> Iterator[Problem]:
    for word, given in (
        ("measure", column.measure),
        ("unit", column.unit),
        ("format", column.format),
    ):
        if given:
            what = f"{word} is for the columns of facts"
            yield document.problem(f"{column.path}.{word}", what, "drop it: say it in description")


def _words(column: Column, document: Document) -> Iterator[Problem]:
    for word, given in (("unit", column.unit), ("format", column.format)):
        if given and column.measure is None:
            what = f"a {word}, but the column is no measure"
            yield document.problem(
                f"{column.path}.{word}", what, "say measure: additive, or whichever it is"
            )


def _apart(entry: Entry, column: Column, document: Document) -> Iterator[Problem]:
    measure = column.measure
    if measure is None or not measure.apart:
        return
    path = f"{measure.path}.except"
    if measure.kind != "semi-additive":
        what = f"except, but the measure is {measure.kind}"
        yield document.problem(path, what, "set kind: semi-additive, or drop it")
        return
    known = [c.name for c in entry.columns if c.name != column.name]
    known += [] if isinstance(entry, Dimension) else [lookup.column for lookup in entry.lookups]
    for at, name in enumerate(measure.apart):
        if name not in known:
            what = f"{entry.name} has no other column '{name}'"
            where = document.item_path(measure.path + ".except", name, at)
            yield document.problem(where, what, did_you_mean(name, known))


def the_view_of_measures_is_free(star: Star, document: Document) -> Iterator[Problem]:
    """Find a dimension or fact with the name of the view that tells of the measures."""
    for entry in star.entries:
        if entry.name == view_name(star) and measure_rows(star):
            what = f"'{entry.name}' is the view that tells of the measures of the star {star.name}"
            yield Problem(document.key_place(entry.path), what, "rename the table, or the star")
