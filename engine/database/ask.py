"""Try a mapping's SQL on a database, and tell its verdict on the SQL from trouble of its own."""

from __future__ import annotations

from typing import Any

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database.connect import execute
from engine.database.failure import sentence
from engine.errors import RunError
from engine.retry import is_transient

# Classes of SQLSTATE: rolled back, out of resources, stopped by somebody, the system failed; and locks.
TROUBLE = ("40", "53", "55P03", "57", "58")


def ask(connection: Connection, sql: str) -> Any:
    """Run a statement to hear whether the database takes it, a DBAPIError being its verdict.

    A timeout, a lock that is not given or a full disk says nothing about the mapping: that is a RunError.
    """
    try:
        return execute(connection, sql)
    except DBAPIError as error:
        state = error.orig.pgcode if isinstance(error.orig, psycopg2.Error) else None
        if connection.invalidated or not (state or "").startswith(TROUBLE):
            raise
        where = connection.engine.get_execution_options()["where"]
        raise RunError(
            f"{where}, asked about the mapping: {sentence(error)}", transient=is_transient(error)
        ) from error
