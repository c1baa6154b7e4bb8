"""Try what only the warehouse can judge: the values of special members and checks, and check queries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database.ask import ask
from engine.database.expressions import computed_in
from engine.database.failure import message_of
from engine.database.refusal import refused
from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.model import ROW_WISE, Check, Dimension, Entry, Star
from engine.mapping.template import THIS
from engine.plan.columns import definitions
from engine.plan.shape import bare, key_type
from engine.plan.world import World
from engine.sql.quote import ident, literal, type_name, typed


def trial(
    star: Star,
    entries: Collection[Entry],
    document: Document,
    warehouse: Connection,
    world: World,
) -> Iterator[Problem]:
    """Try every value of special members and checks, and every check query, on a star of the right types.

    Only these entries are tried, and a check may name a table of another entry that is there already.
    """
    shapes = {entry.name: definitions(star, entry, world) for entry in entries}
    stars = ", ".join(
        f"{ident(name)} as (select "
        + ", ".join(f"null::{type_name(c.type)} as {ident(c.name)}" for c in columns)
        + " where false)"
        for name, columns in shapes.items()
    )
    for entry in entries:
        types = {column.name: bare(column.type) for column in shapes[entry.name]}
        yield from _value_problems(entry, types, document, warehouse)
        for check in entry.checks:
            if check.kind == "sql":
                yield from _query_problems(entry, check, f"with {stars}", document, warehouse)


def _query_problems(
    entry: Entry, check: Check, stars: str, document: Document, warehouse: Connection
) -> Iterator[Problem]:
    """Try a check query on the empty star."""
    sql = check.sql.replace(THIS, ident(entry.name))
    before = f"{stars} select * from (\n"
    try:
        ask(warehouse, f"{before}{sql}\n) as q limit 0").close()
    except DBAPIError as error:
        path = document.text_path(check.path, "sql")
        yield refused(
            error,
            document,
            path,
            lambda at: _as_written(check.sql, entry, at - len(before)),
            database=computed_in(warehouse),
        )


def _as_written(sql: str, entry: Entry, offset: int) -> int:
    """Return the offset in the mapping's text of a character of the text that names the table."""
    longer = len(ident(entry.name)) - len(THIS)
    at = sql.find(THIS)
    while at >= 0 and at + len(THIS) + longer <= offset:
        offset -= longer
        at = sql.find(THIS, at + 1)
    return offset


def _value_problems(
    entry: Entry, types: Mapping[str, str], document: Document, warehouse: Connection
) -> Iterator[Problem]:
    """Find values that their column cannot hold: all at once, and one by one when one of them is wrong."""
    tried = list(_values(entry, types))
    if not tried:
        return
    try:
        ask(warehouse, "select " + ", ".join(sql for sql, _ in tried)).close()
    except DBAPIError:
        for sql, path in tried:
            try:
                ask(warehouse, f"select {sql}").close()
            except DBAPIError as error:
                yield document.problem(path, message_of(error))


def _values(entry: Entry, types: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return each value of an entry as typed SQL, with its path in the mapping."""
    for check in entry.checks:
        if check.kind in ROW_WISE:
            given = (value for value in (*check.values, check.low, check.high) if value is not None)
            yield from ((typed(v, types[c]), check.path) for v in given for c in check.columns)
    if isinstance(entry, Dimension):
        for member in entry.special_members:
            yield f"{literal(member.key)}::{key_type(entry)}", f"{member.path}.key"
            yield from (
                (typed(v, types[n]), f"{member.path}.{n}") for n, v in member.values if n in types
            )
