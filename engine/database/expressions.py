"""Ask the warehouse for the types of a mapping's expressions, each tried over one row of its query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database.ask import ask
from engine.database.refusal import refused, refused_for_each_row
from engine.database.types import describe, precise
from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.model import Dimension, Entry
from engine.plan.shape import AS_OF, EFFECTIVE, probe_name
from engine.plan.steps import StagedColumn
from engine.plan.steps.base import quoted
from engine.sql.quote import expression, ident, ordering, type_name
from engine.values import dataclass

MOST_NAMES = 20  # of columns, in a message


@dataclass(frozen=True, slots=True)
class Asked:
    """An expression whose type is asked: under which name, in which SQL, and where its text stands.

    `opening` is how many characters of the SQL come before the mapping's own; None for none of them.
    """

    name: str
    sql: str
    path: str
    opening: int | None


@dataclass(frozen=True, slots=True)
class OneRow:
    """A row of the query's types, over which expressions are tried: as SQL, and its columns for hints."""

    sql: str
    columns: str
    names: tuple[str, ...]

    def told(self, problem: Problem, error: DBAPIError, text: str) -> Problem:
        """Return a problem with the hint that a column stands without its quotes, where one seems to."""
        odd = (n for n in self.names if quoted(n) != n and n in text and f'"{n}"' not in text)
        name = next(odd, "")
        kinds = psycopg2.errors.SyntaxError | psycopg2.errors.UndefinedColumn
        if not name or not isinstance(error.orig, kinds):
            return problem
        hint = f"the name of the column {quoted(name)} needs its quotes"
        return Problem(problem.where, problem.what, hint)


def types_of(
    entry: Entry, columns: tuple[StagedColumn, ...], document: Document, warehouse: Connection
) -> tuple[dict[str, str], list[Problem]]:
    """Return the type of each computed column and looked-up value of an entry, and what was refused.

    `columns` are those of the query.
    """
    names = {column.name: column.type for column in columns}
    types = {
        column.name: names[column.name]
        for column in entry.columns
        if column.expr is None and not column.previous and column.name in names
    }
    nulls = ", ".join(f"null::{type_name(t)} as {ident(n)}" for n, t in names.items())
    whose = "the query has" if entry.source else "known"
    short = len(names) <= MOST_NAMES
    origin = OneRow(
        f" from (select {nulls}) as q",
        f"{whose}: {', '.join(sorted(names))}" if short else "",
        tuple(names),
    )
    problems: list[Problem] = []
    types |= _ask(list(_asked(entry, document)), origin, document, warehouse, problems)
    types |= {
        column.name: precise(types[column.name], column.type)
        for column in entry.columns
        if column.type and column.name in types
    }
    if entry.source and entry.source.dedupe:
        path = f"{entry.source.path}.dedupe"
        problems += _order_problems(entry.source.dedupe, path, origin, document, warehouse)
    return types, problems


def _order_problems(
    order: str, path: str, origin: OneRow, document: Document, warehouse: Connection
) -> Iterator[Problem]:
    """Try the order that says which of two rows with one key wins."""
    before = "select q.*, row_number() over (order by "
    try:
        ask(warehouse, f"{before}{ordering(order)}){origin.sql} limit 0").close()
    except DBAPIError as error:
        problem = refused_for_each_row(
            error, document, path, lambda at: at - len(before), columns=origin.columns
        )
        yield origin.told(problem, error, order)


def _asked(entry: Entry, document: Document) -> Iterator[Asked]:
    for column in entry.columns:
        if column.previous:
            continue
        path = document.text_path(column.path, "expr")
        base = ident(column.name) if column.expr is None else expression(column.expr)
        opening = base.index(column.expr) if column.expr is not None else None
        if column.expr is not None:
            yield Asked(f"={column.name}", base, path, opening)
        if column.type is not None:
            at = document.text_path(column.path, "type")
            yield Asked(column.name, f"{base}::{type_name(column.type)}", at, None)
        elif column.expr is not None:
            yield Asked(column.name, base, path, opening)
    if isinstance(entry, Dimension) and entry.history and entry.history.effective:
        sql = expression(entry.history.effective)
        opening = sql.index(entry.history.effective)
        yield Asked(EFFECTIVE, sql, f"{entry.history.path}.effective", opening)
    for lookup in entry.lookups:
        if lookup.as_of:
            sql = expression(lookup.as_of)
            opening = sql.index(lookup.as_of)
            yield Asked(probe_name(lookup, AS_OF), sql, f"{lookup.path}.as_of", opening)
        for name, text in lookup.on:
            path = document.text_path(document.text_path(lookup.path, "on"), name)
            sql = expression(text)
            yield Asked(probe_name(lookup, name), sql, path, sql.index(text))


def _ask(
    questions: Sequence[Asked],
    origin: OneRow,
    document: Document,
    warehouse: Connection,
    problems: list[Problem],
) -> dict[str, str]:
    """Ask for all types at once; when something is refused, one by one, so that all problems show."""
    if not questions:
        return {}
    listed = ", ".join(f"{one.sql} as {ident(f'c{n}')}" for n, one in enumerate(questions))
    # A condition may hold neither aggregates nor anything else that looks at more rows than one.
    each_row = " and ".join(f"{one.sql} is null" for one in questions)
    try:
        columns = describe(warehouse, f"select {listed}{origin.sql} where {each_row} limit 0")
    except DBAPIError:
        return dict(_ask_each(questions, origin, document, warehouse, problems))
    return {one.name: c.type for one, c in zip(questions, columns, strict=True)}


def _ask_each(
    questions: Iterable[Asked],
    origin: OneRow,
    document: Document,
    warehouse: Connection,
    problems: list[Problem],
) -> Iterator[tuple[str, str]]:
    failed: set[str] = set()
    for one in questions:
        column = one.name.lstrip("=")
        problem, type_ = _ask_one(one, origin, document, warehouse)
        if problem and column not in failed:  # a bad expression has no good cast
            problems.append(problem)
        if problem:
            failed.add(column)
        elif column not in failed:
            yield one.name, type_


def _ask_one(
    one: Asked, origin: OneRow, document: Document, warehouse: Connection
) -> tuple[Problem | None, str]:
    """Return what is wrong with an expression, or its type."""
    try:
        type_ = describe(warehouse, f"select {one.sql} as c{origin.sql} limit 0")[0].type
    except DBAPIError as error:
        inside = _inside(one, "select ")
        problem = refused(
            error,
            document,
            one.path,
            inside,
            database=computed_in(warehouse),
            columns=origin.columns,
        )
        return origin.told(problem, error, one.sql), ""
    before = f"select 1{origin.sql} where "
    try:
        ask(warehouse, f"{before}{one.sql} is null limit 0").close()
    except DBAPIError as error:
        return refused_for_each_row(error, document, one.path, _inside(one, before)), ""
    return None, type_


def computed_in(warehouse: Connection) -> str:
    """Say where a table that an expression or a check names was looked for."""
    where = warehouse.engine.get_execution_options()["where"]
    return f"in {where}: what is in a source can be read by source.query alone"


def _inside(one: Asked, before: str) -> Callable[[int], int] | None:
    """Say how an offset in `<before><expression> …` becomes one in the mapping's text."""
    if one.opening is None:
        return None
    opening = len(before) + one.opening
    return lambda at: at - opening
