"""What people are told of the measures of a star: in the comments of columns, and in a view."""

from __future__ import annotations

from collections.abc import Iterator

from engine.mapping.model import Column, Star

MEASURE_COLUMNS = (
    *("table_name", "column_name", "measure", "unit", "format", "description"),
    "how_to_aggregate",
)


def view_name(star: Star) -> str:
    """Return the name of the view that tells of a star's measures; it may be too long for a database."""
    return f"{star.name}_measures"


def described(column: Column) -> str:
    """Return the description of a column; a measure says what it is, and its unit."""
    if column.measure is None:
        return column.description
    said = ", ".join(part for part in (f"{column.measure.kind} measure", column.unit) if part)
    return f"{column.description} ({said})" if column.description else said[0].upper() + said[1:]


def measure_rows(star: Star) -> tuple[tuple[str, ...], ...]:
    """Return a row for each measure, as the columns of MEASURE_COLUMNS; what is not given is empty."""
    return tuple(_rows(star))


def _rows(star: Star) -> Iterator[tuple[str, ...]]:
    for entry in star.entries:
        for column in entry.columns:
            if column.measure:
                kind = column.measure.kind
                given = (column.unit, column.format, column.description, how_to_aggregate(column))
                yield (entry.name, column.name, kind, *given)


def how_to_aggregate(column: Column) -> str:
    """Say what may be done with many values of a measure."""
    measure = column.measure
    if measure is None or measure.kind == "non-additive":
        return "do not sum: compute it anew from what it is made of, or take min, max or average"
    if measure.kind == "additive":
        return "sum"
    apart = ", ".join(measure.apart) or "time"
    return f"sum, but not over {apart}: there take the last one, or the average"
