"""Rules about checks: columns that are there, limits that can be met, words that go together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import ROW_WISE, Check, Dimension, Entry, Scalar, Star
from engine.mapping.rules_entries import unknown_dimension
from engine.mapping.scalars import shown

_WITHOUT_MAX = ("row_count", "freshness")


def checked_columns_exist(star: Star, document: Document) -> Iterator[Problem]:
    """Find columns in checks that are no key, lookup or column of the table."""
    for entry, check in _checks(star):
        columns = _columns(entry)
        for at, name in enumerate(check.columns):
            if name not in columns:
                what = f"{entry.name} has no column '{name}'"
                where = document.item_path(f"{check.path}.{check.kind}", name, at)
                keyed = where.endswith(f".{name}")
                place = document.key_place(where) if keyed else document.place(where)
                yield Problem(place, what, did_you_mean(name, columns))


def checked_dimensions_exist(star: Star, document: Document) -> Iterator[Problem]:
    """Find references checks of no dimension."""
    known = {dimension.name for dimension in star.dimensions}
    for _, check in _checks(star):
        if check.kind == "references" and check.dimension not in known:
            path = f"{check.path}.references.{check.columns[0]}"
            yield from unknown_dimension(path, check.dimension, document)


def limits_can_be_met(star: Star, document: Document) -> Iterator[Problem]:
    """Find a minimum above its maximum, or of another kind."""
    for _, check in _checks(star):
        if check.low is None or check.high is None:
            continue
        path = f"{check.path}.{check.kind}"
        path = f"{path}.{check.columns[0]}" if check.columns else path
        low, high = shown(check.low), shown(check.high)
        if isinstance(check.low, str) != isinstance(check.high, str):
            what = f"min is {low} and max is {high}: one is a number, the other text"
            yield document.problem(path, what, "give both as the column has them")
        elif _above(check.low, check.high):
            what = f"min {low} is above max {high}"
            yield document.problem(path, what, "no value can be both; exchange them")


def check_words_go_together(star: Star, document: Document) -> Iterator[Problem]:
    """Find on_failure where no single row is wrong, and max where no rows are counted."""
    seen: set[str] = set()
    for _, check in _checks(star):
        if check.path in seen:  # one entry over several columns
            continue
        seen.add(check.path)
        if check.reject and check.kind not in ROW_WISE:
            what = f"on_failure: reject, but {check.kind} does not say which row is wrong"
            hint = "it is possible with " + ", ".join(ROW_WISE)
            yield document.problem(f"{check.path}.on_failure", what, hint)
        elif check.reject and check.severity == "warn":
            what = "on_failure: reject together with severity: warn"
            hint = "choose one: reject takes the rows out, warn only reports them"
            yield document.problem(f"{check.path}.on_failure", what, hint)
        if check.kind in _WITHOUT_MAX and f"{check.path}.max" in document.spans:
            what = f"max, but {check.kind} does not count wrong rows"
            hint = "give row_count: {max: ...}" if check.kind == "row_count" else "drop it"
            yield document.problem(f"{check.path}.max", what, hint)


def row_counts_have_a_source(star: Star, document: Document) -> Iterator[Problem]:
    """Find calendars and junk dimensions that are compared with a source."""
    for entry, check in _checks(star):
        unlimited = check.low is None and check.high is None
        if check.kind == "row_count" and unlimited and entry.source is None:
            word = _sourceless(entry)
            what = f"row_count: source, but a {word} has no source"
            yield document.problem(f"{check.path}.row_count", what, "give min and max")


def _sourceless(entry: Entry) -> str:
    if not isinstance(entry, Dimension):
        return "table of groups"
    return "junk dimension" if entry.junk else "calendar"


def _checks(star: Star) -> Iterator[tuple[Entry, Check]]:
    return ((entry, check) for entry in star.entries for check in entry.checks)


def _columns(entry: Entry) -> list[str]:
    key = [entry.key] if isinstance(entry, Dimension) else []
    key += [entry.durable_key] if isinstance(entry, Dimension) and entry.durable_key else []
    lookups = (lookup.column for lookup in entry.lookups)
    return [*key, *lookups, *(column.name for column in entry.columns)]


def _above(low: Scalar, high: Scalar) -> bool:
    """Compare numbers and dates; the order of other texts depends on the database (TRAPS 10)."""
    if isinstance(low, str) and isinstance(high, str):
        try:
            return date.fromisoformat(low) > date.fromisoformat(high)
        except ValueError:
            return False
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high
