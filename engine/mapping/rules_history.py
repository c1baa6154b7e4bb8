"""Rules about history: what changes how, and which version a fact looks up."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Column, Dimension, Entry, Fact, Lookup, Star
from engine.mapping.rules_names import MAX_NAME_BYTES
from engine.mapping.scan import column_of, same_expression


def changes_have_a_history(star: Star, document: Document) -> Iterator[Problem]:
    """Find words about changes where nothing changes so: in facts, calendars, keys, other loads."""
    for entry in star.entries:
        for column in entry.columns:
            if not isinstance(entry, Dimension):
                yield from _in_fact(column, document)
            elif column.scd == 2 and column.name in entry.natural_key:
                what = f"scd: 2, but '{column.name}' is of the natural key, by which versions belong together"
                yield document.problem(f"{column.path}.scd", what, "drop it: a key does not change")
        for lookup in entry.lookups if isinstance(entry, Fact) else ():
            if lookup.scd != 1:
                what = "scd is for the lookups of dimensions"
                yield document.problem(
                    f"{lookup.path}.scd", what, "drop it: a fact has no versions"
                )
        if isinstance(entry, Dimension) and entry.history:
            yield from _impossible(entry, document)


def _in_fact(column: Column, document: Document) -> Iterator[Problem]:
    for word, given in (("scd", column.scd != 1), ("previous", bool(column.previous))):
        if given:
            what = f"{word} is for the columns of dimensions"
            yield document.problem(f"{column.path}.{word}", what, "drop it: a fact has no versions")


def _impossible(dimension: Dimension, document: Document) -> Iterator[Problem]:
    history = dimension.history
    if history is None:
        return
    if dimension.generated:
        kind = "days of a calendar" if dimension.calendar else "times of a clock"
        what = f"a history, but the {kind} never change"
        yield document.problem(history.path, what, "drop it")
    elif 2 not in {*(c.scd for c in dimension.columns), *(x.scd for x in dimension.lookups)}:
        what = "a history, but no column makes a version"
        yield document.problem(
            history.path, what, "say scd: 2 at the columns whose changes are kept"
        )
    if dimension.load != "upsert":
        what = f"a history, but load: {dimension.load} keeps none"
        yield document.problem(f"{dimension.path}.load", what, "set load: upsert, or drop it")


def durable_keys_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find durable keys without versions, and views of the present ones whose name is taken or too long."""
    taken = {entry.name: entry for entry in star.entries}
    for dimension in star.dimensions:
        if not dimension.durable_key:
            continue
        path, view = f"{dimension.path}.durable_key", current_view(dimension)
        if dimension.history is None:
            what = f"a durable key, but {dimension.name} has no versions to share it"
            yield document.problem(path, what, "drop it, or say scd: 2 at columns")
        if view in taken:
            what = f"the view of the present versions would be '{view}', as is a table of this star"
            yield document.problem(path, what, f"rename {taken[view].path}")
        if len(view.encode()) > MAX_NAME_BYTES:
            what = f"the name of the view of the present versions, '{view}', has {len(view.encode())} bytes"
            hint = f"PostgreSQL takes {MAX_NAME_BYTES}; shorten that of {dimension.path}"
            yield document.problem(path, what, hint)


def current_view(dimension: Dimension) -> str:
    """Return the name of the view of a dimension's present versions."""
    return f"{dimension.name}_current"


def previous_columns_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find previous values of nothing, of themselves, or that say how they are computed."""
    for dimension in (dimension for dimension in star.dimensions if not dimension.junk):
        columns = {column.name: column for column in dimension.columns}
        for column in dimension.columns:
            if not column.previous:
                continue
            path, of = f"{column.path}.previous", columns.get(column.previous)
            if of is None:
                what = f"{dimension.name} has no column '{column.previous}'"
                yield document.problem(path, what, did_you_mean(column.previous, columns))
            elif of.previous or of.name in dimension.natural_key:
                what = f"'{of.name}' has no value before"
                yield document.problem(path, what, "name a column that changes")
            elif dimension.history and of.scd != 2:
                what = f"'{of.name}' is no type 2 column, and this dimension keeps versions"
                yield document.problem(path, what, f"say scd: 2 at {of.name}")
            if column.expr or column.type or column.scd != 1:
                what = "previous together with expr, type or scd"
                yield document.problem(column.path, what, "it has the type of the column it is of")
        for name in dimension.natural_key:
            if name in columns and columns[name].previous:
                what = f"'{name}' is a previous value, which is no key"
                yield document.problem(f"{dimension.path}.natural_key", what, "choose another key")


def versions_are_found(star: Star, document: Document) -> Iterator[Problem]:
    """Find lookups at a time in what has no history, and facts that do not keep that time."""
    dimensions = {dimension.name: dimension for dimension in star.dimensions}
    for entry in star.entries:
        for lookup in entry.lookups:
            dimension = dimensions.get(lookup.dimension)
            if dimension is None:
                continue
            if lookup.key == "durable" and not dimension.durable_key:
                what = f"key: durable, but {dimension.name} has no durable key"
                hint = f"add durable_key: <column> to {dimension.path}, or drop it"
                yield document.problem(f"{lookup.path}.key", what, hint)
            if lookup.as_of is None:
                continue
            if dimension.history is None:
                what = f"as_of, but {dimension.name} has no history"
                hint = f"drop it, or say scd: 2 at columns of {dimension.path}"
                yield document.problem(f"{lookup.path}.as_of", what, hint)
            elif lookup.key != "durable" and kept_time(star, entry, lookup) is None:
                word = "dimension" if isinstance(entry, Dimension) else "fact"
                what = f"no column and no calendar lookup of the {word} keeps this time"
                hint = (
                    f"when a change of a member comes late, the {word}s of that time get another version: "
                    f"add a column with this expression to {entry.path}.columns"
                )
                close = did_you_mean(lookup.as_of, _times_kept(star, entry))
                if lookup.as_of.isidentifier() and close.startswith("did"):
                    hint = f"{close} if not: {hint}"
                yield document.problem(f"{lookup.path}.as_of", what, hint)


def _times_kept(star: Star, entry: Entry) -> list[str]:
    """Return the expressions of an entry that may tell a time: columns, and days that are looked up."""
    columns = [column.name if column.expr is None else column.expr for column in entry.columns]
    calendars = {dimension.name for dimension in star.dimensions if dimension.calendar}
    days = [text for x in entry.lookups if x.dimension in calendars for _, text in x.on]
    return [*columns, *days]


def kept_time(star: Star, entry: Entry, lookup: Lookup) -> Column | Lookup | None:
    """Return what of an entry tells the time at which a lookup looks: a column, or a lookup of a calendar.

    A column of a type of its own may tell less of it (database.compare), and comes after one without.
    """
    for column in sorted(entry.columns, key=lambda column: column.type is not None):
        if column.expr is None and column_of(lookup.as_of or "") == column.name:
            return column
        if column.expr and lookup.as_of and same_expression(lookup.as_of, column.expr):
            return column
    calendars = {dimension.name for dimension in star.dimensions if dimension.calendar}
    for other in entry.lookups:
        if other.dimension in calendars and [name for name, _ in other.on] == ["date"]:
            day = other.on[0][1]
            if lookup.as_of and same_expression(lookup.as_of, day):
                return other
    return None
