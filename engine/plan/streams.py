"""In which ranges of a column all rows of a query are read, several side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from engine.errors import Place, Problem
from engine.mapping.model import Entry, Source
from engine.plan.shape import bare, match_columns
from engine.plan.steps import Part, ReadBorders
from engine.plan.world import Reading, World

# Types that can be cut into ranges of the same width.
RANGED = (
    "smallint",
    "integer",
    "bigint",
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
)


def parts_of(entry: Entry, world: World) -> tuple[Part, ...]:
    """Return the ranges that the streams of an entry ask for; none when it is read in one."""
    borders = world.borders.get(entry.name, ())
    if not borders or not entry.source:
        return ()
    types = _types(entry, world)
    column = column_of(entry, entry.source, types)
    ends = (None, *borders, None)
    # A row without a value is in the first.
    return tuple(Part(column, types[column], low, high) for low, high in pairwise(ends))


def border_step(entry: Entry, world: World) -> ReadBorders | None:
    """Return the question where the ranges of an entry end; None when it is read in one."""
    source = entry.source
    reading = world.readings.get(entry.name, Reading())
    if not source or not source.parallel or reading.low is not None:
        return None
    types = _types(entry, world)
    column = column_of(entry, source, types)
    if types.get(column) not in RANGED:
        return None
    return ReadBorders(
        entry=entry.name,
        connection=source.connection,
        query=source.query,
        column=column,
        type=types[column],
        parts=source.parallel.streams,
    )


def column_of(entry: Entry, source: Source, types: Mapping[str, str]) -> str:
    """Return the column of the query that is cut into ranges; empty when none is fit for it."""
    if source.parallel and source.parallel.by:
        return source.parallel.by
    copied = {column.name for column in entry.columns if column.expr is None}
    keys = [name for name in match_columns(entry) if name in copied]
    fit = [n for n in (*keys, *(c.column for c in source.cursors)) if types.get(n) in RANGED]
    return fit[0] if fit else ""


def stream_problems(entry: Entry, world: World, place: Callable[[str], Place]) -> Iterator[Problem]:
    """Find a query that cannot be cut into ranges."""
    source = entry.source
    if not source or not source.parallel:
        return
    types = _types(entry, world)
    column = column_of(entry, source, types)
    if types.get(column) in RANGED:
        return
    yield Problem(place(source.parallel.path), _unfit(column, types), _hint(types))


def _types(entry: Entry, world: World) -> dict[str, str]:
    """Return the types of the columns of an entry's query, without their lengths."""
    return {column.name: bare(column.type) for column in world.sources[entry.name]}


def _unfit(column: str, types: Mapping[str, str]) -> str:
    if not column:
        return "no column of the key, and no cursor, is a whole number, a date or a timestamp"
    if column not in types:
        return f"the query has no column '{column}'"
    return f"'{column}' is a {types[column]}, which cannot be cut into ranges of the same width"


def _hint(types: Mapping[str, str]) -> str:
    fit = [name for name, type_ in types.items() if type_ in RANGED]
    if not fit:
        return "drop parallel: the query has no column that can be cut into ranges"
    return "name one with by; possible: " + ", ".join(sorted(fit))
