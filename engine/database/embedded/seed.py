"""Fill a fresh embedded database from SQL files: all of them or nothing, and once only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import RunError, SettingsError

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

    from engine.database.embedded.server import Server

MARK = "seeded by star-schema-engine"
LOCK = 7_305_117_226  # any number, as long as nobody else uses it


def seed(server: Server, files: Iterable[Path]) -> bool:
    """Run the files in their order as the database's owner; return False if that was done before.

    One transaction holds them all together with the mark, a comment on the database, so a crash
    leaves nothing behind. The files must hold no transaction commands of their own. RunError names
    the file and the line at which the database objected.
    """
    import psycopg2  # here, because to know of the servers one need not load the driver

    url = server.owner_url().replace("+psycopg2", "", 1)
    connection = psycopg2.connect(url, connect_timeout=10)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            if _marked(cursor):
                return False
            for file in files:
                _run(cursor, file)
            cursor.execute(f"COMMENT ON DATABASE \"{server.database}\" IS '{MARK}'")
            return True
    finally:
        connection.close()


def _marked(cursor: cursor) -> bool:
    cursor.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE datname = current_database()"
    )
    return cursor.fetchall() == [(MARK,)]


def _run(cursor: cursor, file: Path) -> None:
    from psycopg2 import Error

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    try:
        cursor.execute(text)
    except Error as error:
        position = int(error.diag.statement_position or 0)
        where = f"{file}:{text.count(chr(10), 0, position) + 1}" if position else str(file)
        raise RunError(f"{where}: {error.diag.message_primary or error}") from error
