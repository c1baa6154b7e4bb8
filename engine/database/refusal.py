"""A database's refusal of a mapping's SQL, as a problem at the very character of the mapping."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2
from sqlalchemy.exc import DBAPIError

from engine.database.failure import message_of
from engine.errors import Problem
from engine.mapping.document import Document

# The period stands beside the query of a snapshot: an aggregate of it alone is taken for one of there.
OF_PERIOD = (
    "an aggregate of the period alone, which is the same in every row of the query",
    "write period.start or period.end without it, or aggregate a column of the query with it, as in "
    "max(least(ordered_at, period.end))",
)


def of_period(error: DBAPIError, sql: str) -> bool:
    """Say whether a query was refused for an aggregate of the period and nothing else."""
    diagnosis = error.orig.diag if isinstance(error.orig, psycopg2.errors.GroupingError) else None
    # By its name, as the message is in the language of the server.
    if not diagnosis or diagnosis.source_function != "check_agglevels_and_constraints":
        return False
    inside = sql[int(diagnosis.statement_position or 1) - 1 :].partition(")")[0]
    return "period." in inside.lower()


def refused(
    error: DBAPIError,
    document: Document,
    path: str,
    offset: Callable[[int], int] | None = None,
    *,
    database: str = "",
    columns: str = "",
) -> Problem:
    """Turn a database's refusal into a problem; `offset` tells where in the mapping's text it points.

    It gets the offset, from 0, in the statement that was sent; without it the place is the whole text's.
    `database` says where a table that is missing was looked for, `columns` which columns there are.
    """
    origin = error.orig
    diagnosis = origin.diag if isinstance(origin, psycopg2.Error) else None
    position = diagnosis.statement_position if diagnosis else None
    place = document.place(path)
    if offset and position and (at := offset(int(position) - 1)) >= 0:
        place = document.inside(path, at)
    hint = (diagnosis.message_hint if diagnosis else "") or ""
    if isinstance(origin, psycopg2.errors.InsufficientPrivilege):
        hint = "grant the right to the role that the engine connects as, for instance GRANT SELECT ON …"
    if isinstance(origin, psycopg2.errors.UndefinedColumn):
        hint = hint or columns
    if isinstance(origin, psycopg2.errors.UndefinedTable | psycopg2.errors.InvalidSchemaName):
        hint = hint or database
    return Problem(place, message_of(error), hint)


def refused_for_each_row(
    error: DBAPIError,
    document: Document,
    path: str,
    offset: Callable[[int], int] | None = None,
    *,
    columns: str = "",
) -> Problem:
    """Turn the refusal of an expression as a condition, where it may see one row only, into a problem."""
    problem = refused(error, document, path, offset, columns=columns)
    kinds = {
        psycopg2.errors.GroupingError: "an aggregate function",
        psycopg2.errors.WindowingError: "a window function",
        psycopg2.errors.FeatureNotSupported: "a function that returns many rows",
    }
    found = next((what for kind, what in kinds.items() if isinstance(error.orig, kind)), "")
    if not found:
        return problem
    what = f"{found}, but an expression is computed from one row by itself"
    return Problem(problem.where, what, "compute it in the query")
