"""Ask the databases what a mapping means to them: the types of every column, and all that is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from datetime import date

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database.aggregates import aggregated
from engine.database.compare import comparison_problems
from engine.database.connect import execute
from engine.database.expressions import types_of
from engine.database.refusal import OF_PERIOD, of_period, refused
from engine.database.trial import trial
from engine.database.types import Described, describe
from engine.errors import Place, Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Aggregate, Dimension, Entry, Fact, Source, Star
from engine.plan.shape import generated_types
from engine.plan.steps import Periods, StagedColumn
from engine.plan.world import World
from engine.sql.fragments import AFTER_QUERY, before_query
from engine.sql.quote import ident
from engine.values import dataclass

CURSOR_TYPES = (
    "smallint integer bigint numeric date text character-varying "
    "timestamp-without-time-zone timestamp-with-time-zone"
)
CURSORS = frozenset(word.replace("-", " ") for word in CURSOR_TYPES.split())

ANY_DAY = date(2000, 1, 1)


@dataclass(slots=True)
class Found:
    """What the databases said, and what they refused."""

    sources: dict[str, tuple[StagedColumn, ...]] = field(default_factory=dict)
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    of_now: set[str] = field(default_factory=set)  # snapshots whose query asks for no period
    problems: list[Problem] = field(default_factory=list)


def look(
    star: Star,
    entries: Collection[Entry],
    document: Document,
    sources: Mapping[str, Connection],
    warehouse: Connection,
) -> Found:
    """Describe every query and expression of some entries; all connections must be in autocommit mode.

    `sources` are by connection name. What is refused is in `problems`, each at its place in the mapping.
    """
    found = Found()
    # As in the run: there, what checks and expressions name without a schema is the star's.
    schema = ident(star.connection("warehouse").schema)
    execute(warehouse, f"set search_path = {schema}, public").close()
    for entry in entries:
        if entry.source:
            connection = sources[entry.source.connection]
            columns = _source(entry, entry.source, document, connection, found)
            found.sources[entry.name] = columns
            place = document.place(document.text_path(entry.source.path, "query"))
            found.problems += _money_problems(columns, place, connection, warehouse)
        elif isinstance(entry, Aggregate) or (isinstance(entry, Dimension) and entry.junk):
            found.sources[entry.name] = ()  # its columns are known when those of its hosts are
        else:
            found.sources[entry.name] = tuple(
                StagedColumn(name, type_) for name, type_ in generated_types(entry).items()
            )
    for entry in entries:
        if found.sources[entry.name]:
            found.types[entry.name], problems = types_of(
                entry, found.sources[entry.name], document, warehouse
            )
            found.problems += problems
    for entry in entries:
        if isinstance(entry, Dimension) and entry.junk:
            found.types[entry.name] = _combined(entry, document, warehouse, found)
    _add_up(star, entries, document, warehouse, found)
    found.problems += comparison_problems(star, entries, found.types, document, warehouse)
    if not found.problems:
        world = World(found.sources, found.types)
        found.problems += trial(star, entries, document, warehouse, world)
    return found


# --- the source's side


def _source(
    entry: Entry, source: Source, document: Document, connection: Connection, found: Found
) -> tuple[StagedColumn, ...]:
    """Describe the query of an entry; nothing when the source refuses it."""
    before, after = "select * from (\n", "\n) as q limit 0"
    path = document.text_path(source.path, "query")
    if isinstance(entry, Fact) and entry.snapshot:
        if _asks_no_period(source, connection):
            found.of_now.add(entry.name)
        periods = Periods(entry.snapshot.column, entry.snapshot.every, ANY_DAY, ANY_DAY)
        before, after = f"{before}{before_query(periods)}", f"{AFTER_QUERY}{after}"
    try:
        columns = describe(connection, f"{before}{source.query}{after}")
    except DBAPIError as error:
        where = f"in {connection.engine.get_execution_options()['where']}"
        problem = refused(error, document, path, lambda at: at - len(before), database=where)
        snapshot = isinstance(entry, Fact) and entry.snapshot
        if snapshot and of_period(error, f"{before}{source.query}"):
            problem = Problem(problem.where, *OF_PERIOD)
        found.problems.append(problem)
        return ()
    found.problems += _column_problems(entry, source, columns, document)
    return tuple(StagedColumn(column.name, column.type, column.cast) for column in columns)


def _money_problems(
    columns: tuple[StagedColumn, ...], place: Place, source: Connection, warehouse: Connection
) -> Iterator[Problem]:
    """Find money that would be another sum in the warehouse: it travels as a number of its smallest unit."""
    money = [column.name for column in columns if column.type in {"money", "money[]"}]
    there, here = (_decimals(end) if money else 0 for end in (source, warehouse))
    for name in money if there != here else ():
        what = (
            f"column '{name}' of the query is money, which has {there} decimals in the source and {here} "
            "in the warehouse, by their lc_monetary"
        )
        yield Problem(place, what, f"cast it in the query: {name}::numeric")


def _decimals(connection: Connection) -> int:
    return int(execute(connection, "select scale('1'::money::numeric)").scalar_one())


def _asks_no_period(source: Source, connection: Connection) -> bool:
    """Say whether the query of a snapshot is understood by itself: it tells how things are now."""
    try:
        describe(connection, f"select * from (\n{source.query}\n) as q limit 0")
    except DBAPIError:
        return False
    return True


def _column_problems(
    entry: Entry, source: Source, columns: tuple[Described, ...], document: Document
) -> Iterator[Problem]:
    names = [column.name for column in columns]
    query = document.place(document.text_path(source.path, "query"))
    of_period = entry.snapshot.column if isinstance(entry, Fact) and entry.snapshot else ""
    for name in sorted({name for name in names if names.count(name) > 1}):
        if name == of_period:
            what = f"'{name}' is filled by the engine, with the first day of the period"
            yield Problem(query, what, "take it out of the query, or rename it with AS")
            continue
        yield Problem(
            query, f"the query has two columns named '{name}'", "name one of them with AS"
        )
    for column in columns:
        if column.name.startswith("$"):
            yield Problem(
                query, f"the query's column '{column.name}' begins with $", "rename it with AS"
            )
        if column.pseudo:
            yield Problem(
                query,
                f"column '{column.name}' of the query is a {column.type}",
                "cast it in the query",
            )
    for cursor in source.cursors:
        place = document.place(cursor.path)
        type_ = {column.name: column.type for column in columns}.get(cursor.column)
        if type_ is None:
            yield Problem(
                place,
                f"the query has no column '{cursor.column}'",
                did_you_mean(cursor.column, names),
            )
        elif type_.split("(")[0] not in CURSORS:
            yield Problem(
                place, f"a {type_} cannot be a cursor", "possible: " + ", ".join(sorted(CURSORS))
            )
    yield from _missing_columns(entry, entry.name, names, document)


# --- the warehouse's side


def _combined(
    junk: Dimension, document: Document, warehouse: Connection, found: Found
) -> dict[str, str]:
    """Return the types of a junk dimension's columns: the same in every entry that it is made of."""
    types: dict[str, str] = {}
    asked_of = ""
    for host in (name for name in junk.junk if found.sources.get(name)):
        columns = found.sources[host]
        missing = list(_missing_columns(junk, host, [c.name for c in columns], document))
        found.problems += missing
        if missing:
            continue
        theirs, problems = types_of(junk, columns, document, warehouse)
        found.problems += problems
        for column in junk.columns if types else ():
            one, other = types.get(column.name, ""), theirs.get(column.name, "")
            if one and other and one != other:
                what = f"'{column.name}' is {one} in {asked_of} and {other} in {host}"
                hint = f"say which: {column.name}: {{type: {other}}}"
                found.problems.append(document.problem(column.path, what, hint))
        if not types:
            types, asked_of = theirs, host
    return types


def _add_up(
    star: Star,
    entries: Collection[Entry],
    document: Document,
    warehouse: Connection,
    found: Found,
) -> None:
    """Find the types of aggregates; their facts are known, unless something is wrong with one."""
    for entry in entries:
        if isinstance(entry, Aggregate) and not found.problems:
            world = World(found.sources, found.types)
            types, problems = aggregated(star, entry, world, document, warehouse)
            found.types[entry.name] = types
            found.problems += problems


def _missing_columns(
    entry: Entry, of: str, names: list[str], document: Document
) -> Iterator[Problem]:
    """Find columns of an entry that are copied and that a query has not."""
    whose = "the query" if of == entry.name else f"the query of {of}"
    for own in entry.columns:
        if own.expr is None and not own.previous and own.name not in names:
            what = f"{whose} has no column '{own.name}'"
            yield Problem(document.place(own.path), what, did_you_mean(own.name, names))
