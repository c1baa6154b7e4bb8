"""The changes of a step, written into the source as its owner, in one transaction."""

from __future__ import annotations

from contextlib import closing

import psycopg2
from psycopg2 import extensions

from engine.cases.model import Change, Row, Step
from engine.cases.servers import connect, said_by, table_name
from engine.database.embedded import Server
from engine.errors import Place, Problem
from engine.sql.quote import ident

KEY = """
select a.attname from pg_index as i
cross join unnest(i.indkey) with ordinality as k(attnum, place)
join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indrelid = %s::regclass and i.indisprimary
order by k.place
"""

MADE = "the tables of the source are made by the SQL files of source:, or by tables:"


class NotWrittenError(Exception):
    """A change could not be made; carries the problem at its place."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def write(source: Server, step: Step) -> None:
    """Make the changes of a step; NotWrittenError for the first that cannot be made."""
    if not step.changes:
        return
    with closing(connect(source.owner_url())) as connection, connection.cursor() as cursor:
        cursor.execute("set timezone = 'UTC'")
        for change in step.changes:
            _change(cursor, change)
        try:
            connection.commit()
        except psycopg2.Error as error:  # a constraint that is deferred
            raise _refused(step.changes[-1].place, said_by(error)) from error


def _change(cursor: extensions.cursor, change: Change) -> None:
    place = change.place
    try:
        if change.kind == "sql":
            cursor.execute(change.sql)
            return
        key = _key(cursor, change) if change.kind == "update" else ()
        for row in change.rows:
            place = row.place
            if change.kind == "insert":
                _insert(cursor, change.table, row)
            elif change.kind == "update":
                _update(cursor, change.table, row, key)
            else:
                _delete(cursor, change.table, row)
    except psycopg2.Error as error:
        about = f"{change.kind} {change.table}".strip()
        lacking = isinstance(error, psycopg2.errors.UndefinedTable) and bool(change.table)
        raise _refused(place, f"{about}: {said_by(error)}", MADE if lacking else "") from error


def _key(cursor: extensions.cursor, change: Change) -> tuple[str, ...]:
    cursor.execute(KEY, [table_name(change.table)])
    key = tuple(name for (name,) in cursor.fetchall())
    if not key:
        what = f"table '{change.table}' has no primary key by which a row can be found"
        raise _refused(change.place, what, "give it one, or use sql:")
    return key


def _insert(cursor: extensions.cursor, table: str, row: Row) -> None:
    names = ", ".join(map(ident, row.columns))
    marks = ", ".join("%s" for _ in row.cells)
    cursor.execute(
        f"insert into {table_name(table)} ({names}) overriding system value values ({marks})",
        [cell.text for _, cell in row.cells],
    )


def _update(cursor: extensions.cursor, table: str, row: Row, key: tuple[str, ...]) -> None:
    """Change a row as anybody would; then once more past the triggers, so that it is as it says."""
    cells = dict(row.cells)
    if missing := [name for name in key if name not in cells]:
        raise _refused(row.place, f"the row does not name {', '.join(missing)}, its primary key")
    changed = [name for name in row.columns if name not in key]
    if not changed:
        raise _refused(row.place, "the row names nothing that changes beside its primary key")
    pairs = ", ".join(f"{ident(name)} = %s" for name in changed)
    where = " and ".join(f"{ident(name)} = %s" for name in key)
    said = f"update {table_name(table)} set {pairs} where {where}"
    values = [cells[name].text for name in (*changed, *key)]
    cursor.execute(said, values)
    _found(cursor, table, row, key)
    cursor.execute("set local session_replication_role = replica")
    cursor.execute(said, values)
    cursor.execute("set local session_replication_role = origin")


def _delete(cursor: extensions.cursor, table: str, row: Row) -> None:
    # An untyped NULL does not compare, so it is asked for by its name.
    tests = [f"{ident(n)} is null" if c.text is None else f"{ident(n)} = %s" for n, c in row.cells]
    values = [cell.text for _, cell in row.cells if cell.text is not None]
    cursor.execute(f"delete from {table_name(table)} where {' and '.join(tests)}", values)
    _found(cursor, table, row, row.columns)


def _found(cursor: extensions.cursor, table: str, row: Row, names: tuple[str, ...]) -> None:
    if cursor.rowcount == 0:
        said = ", ".join(
            f"{n} = {'NULL' if c.text is None else c.text}" for n, c in row.cells if n in names
        )
        raise _refused(row.place, f"{table} has no row with {said}")


def _refused(place: Place, what: str, hint: str = "") -> NotWrittenError:
    return NotWrittenError(Problem(place, what, hint))
