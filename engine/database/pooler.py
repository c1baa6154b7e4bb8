"""A pooler between the engine and a server: recognised, and refused where it lends sessions out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import psycopg2

from engine.errors import SettingsError

# Fails, in one go with what follows it, where the session is not of the process that answered the login:
# so no setting is left behind in a session that the next transaction of somebody else may get.
DIRECT = "select 1 / (pg_backend_pid() = {pid})::integer; "
LOOKS = 5


def own_session(
    first: psycopg2.extensions.connection,
    connect: Callable[[], psycopg2.extensions.connection],
    where: str,
) -> int:
    """Return the process id of a pooled connection's session; SettingsError when others get it, too.

    `first` is in autocommit. A pooler that lends a session for one transaction gives the one that it has just
    left to a second connection, or does not give it back while that one holds it.
    """
    with closing(connect()) as second, first.cursor() as one, second.cursor() as other:
        for look in range(LOOKS):
            second.autocommit = (
                look == 0
            )  # a pooler that lends for a statement refuses to begin one
            before, between, after = _pid(one), _pid(other), _pid(one)
            second.rollback()
            if between == before or after != before:
                raise SettingsError(
                    f"{where} is a pooler that lends its sessions, and a run needs "
                    "sessions of its own, for its settings and its snapshot: connect to the server itself, "
                    "or to a pool in session mode (PgBouncer: pool_mode = session)"
                )
    return before


def _pid(cursor: psycopg2.extensions.cursor) -> int:
    cursor.execute("select pg_backend_pid()")
    return int(cursor.fetchall()[0][0])
