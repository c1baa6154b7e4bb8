"""Rules about names: what is defined, what is referred to, and what PostgreSQL can take."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.errors import Place, Problem, did_you_mean
from engine.mapping.audit import AUDIT_COLUMNS
from engine.mapping.document import Document
from engine.mapping.history import HISTORY_NAMES
from engine.mapping.model import Dimension, Entry, Star
from engine.mapping.owned import INFERRED_AT, IS_INFERRED, owned_names
from engine.mapping.scalars import Plain

# PostgreSQL cuts longer names off in silence, after which two may be one.
MAX_NAME_BYTES = 63
_SYSTEM_COLUMNS = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
# The engine's own schemas, and what each holds (plan.shape has the names of stages).
_OWN = {"engine": "the ledger", "engine_stage": "the stages"}


def table_names_are_unique(star: Star, document: Document) -> Iterator[Problem]:
    """Find facts with the name of a dimension, and aggregates of either: all are tables of one schema."""
    for aggregate in star.aggregates:
        for words, word in (("dimensions", "dimension"), ("facts", "fact")):
            others = document.data.get(words)
            if isinstance(others, dict) and aggregate.name in others:
                other = document.key_place(f"{words}.{aggregate.name}")
                what = f"a {word} has the name '{aggregate.name}' too, at {other.file}:{other.line}"
                yield Problem(document.key_place(aggregate.path), what, "rename one of the two")
    dimensions = document.data.get("dimensions")
    for fact in star.facts:
        if isinstance(dimensions, dict) and fact.name in dimensions:
            other = document.key_place(f"dimensions.{fact.name}")
            what = f"a dimension has the name '{fact.name}' too, at {other.file}:{other.line}"
            yield Problem(document.key_place(fact.path), what, "rename one of the two")


def column_names_are_unique(star: Star, document: Document) -> Iterator[Problem]:
    """Find a name that is given to two of the key, the lookups and the columns of a table."""
    for entry in star.entries:
        taken: dict[str, str] = {}
        for name, path, role in _named(entry):
            kind = path.rpartition(".")[2]
            if name in taken and kind in ("calendar", "clock"):  # a column that nobody wrote
                what = f"a {kind} has a column '{name}' already"
                hint = (
                    "call the key date_key, say" if kind == "calendar" else "call it time_key, say"
                )
                yield document.problem(f"{entry.path}.key", what, hint)
            elif name in taken:
                what = f"the column '{name}' is there already, as {taken[name]}"
                yield Problem(document.key_place(path), what, f"rename this {role}")
            taken.setdefault(name, f"the {role} {path}")


def names_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find names that PostgreSQL would cut off, or gives to columns of its own."""
    for entry in star.entries:
        names = [(entry.name, entry.path, "table"), *_named(entry)]
        for name, path, role in names:
            length = len(name.encode())
            if length > MAX_NAME_BYTES:
                what = f"the name of this {role} has {length} bytes"
                hint = f"PostgreSQL takes {MAX_NAME_BYTES}; shorten it"
                yield Problem(_place_of(document, path), what, hint)
            if role != "table" and name in _SYSTEM_COLUMNS:
                what = f"'{name}' is a column that PostgreSQL itself gives every table"
                yield Problem(_place_of(document, path), what, "rename it")


def schema_is_free(star: Star, document: Document) -> Iterator[Problem]:
    """Refuse the schemas that the engine keeps for itself and those of PostgreSQL."""
    schema = star.connection("warehouse").schema
    path = "connections.warehouse.schema"
    if schema in _OWN:
        what = f"the schema {schema} holds {_OWN[schema]}"
        yield document.problem(path, what, "choose another schema")
    elif schema.startswith("pg_") or schema == "information_schema":
        yield document.problem(path, f"{schema} belongs to PostgreSQL", "choose another schema")
    if len(schema.encode()) > MAX_NAME_BYTES:
        hint = f"PostgreSQL takes {MAX_NAME_BYTES}; shorten it"
        yield document.problem(path, f"the name has {len(schema.encode())} bytes", hint)


def connections_exist(star: Star, document: Document) -> Iterator[Problem]:
    """Find queries on a connection that is not there, or is the warehouse."""
    given = document.data.get("connections")
    sources = {"source", *(given if isinstance(given, dict) else ())} - {"warehouse"}
    for entry in star.entries:
        if entry.source is None or entry.source.connection in sources:
            continue
        name, path = entry.source.connection, f"{entry.source.path}.connection"
        if name == "warehouse":
            what = "the warehouse is what the star is loaded into, not a source"
            yield document.problem(path, what, did_you_mean("", sources))
        else:
            yield document.problem(
                path, f"no connection named '{name}'", did_you_mean(name, sources)
            )


def numbers_are_finite(_: Star, document: Document) -> Iterator[Problem]:
    """Find NaN and infinity, which SQL can only spell as text."""
    for path, value in _leaves(document.data, ""):
        if isinstance(value, float) and not math.isfinite(value):
            word = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
            yield document.problem(path, "this is not a finite number", f"write '{word}' in quotes")


def _named(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the path and the role of each column of a table."""
    if isinstance(entry, Dimension):
        yield entry.key, f"{entry.path}.key", "key"
        if entry.durable_key:
            yield entry.durable_key, f"{entry.path}.durable_key", "durable key"
        if entry.history:
            yield from ((name, entry.history.path, "history") for name in HISTORY_NAMES)
    yield from ((lookup.column, lookup.path, "lookup") for lookup in entry.lookups)
    if entry.source and entry.source.deletes:
        path = entry.source.deletes.path
        yield from ((name, path, "deletes") for name in owned_names(entry))
    if isinstance(entry, Dimension) and entry.inferred_by:
        path = f"{entry.inferred_by}.missing"
        yield from ((name, path, "inferred member") for name in (IS_INFERRED, INFERRED_AT))
    yield from ((column.name, column.path, "column") for column in entry.columns)
    path = f"{entry.path}.audit"
    yield from ((AUDIT_COLUMNS[word].name, path, "audit column") for word in entry.audit)


def _place_of(document: Document, path: str) -> Place:
    return document.place(path) if path.endswith(".key") else document.key_place(path)


def _leaves(value: Plain, path: str) -> Iterator[tuple[str, Plain]]:
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
