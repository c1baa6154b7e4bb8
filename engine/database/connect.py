"""Connections with pinned session settings, all of which can be cancelled at once."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from contextvars import copy_context
from typing import Any
from weakref import WeakKeyDictionary

import psycopg2
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from engine.database.pooler import DIRECT, own_session
from engine.errors import RunError
from engine.retry import is_transient, is_unknown_host
from engine.settings import ConnectionSettings

# Both ends speak the same text whatever their configuration says (TRAPS 18), and the transaction that
# publishes sees what the stages were filled with since it began. The engine waits between statements by
# design, and a run is one transaction on each side: neither an idle timeout of the server nor one of
# transactions may end it. A timeout of statements is left to who runs the server. Where money has not the two
# decimals of C, it would be another sum there (TRAPS 15).
PINNED = """
set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
set extra_float_digits = 1; set standard_conforming_strings = on; set bytea_output = 'hex';
set default_transaction_isolation = 'read committed';
set idle_in_transaction_session_timeout = 0; set idle_session_timeout = 0;
select set_config('lc_monetary', 'C', false) where scale('1'::money::numeric) = 2
"""
PINNED_SINCE_17 = "; set transaction_timeout = 0"


# A server that is asked to look whether its client is still there ends what a killed engine left running,
# and with it the mapping's lock; otherwise a statement runs on to its end. Some systems cannot look.
NOTICE = "set client_connection_check_interval = '1s'"

DEAF = 3  # seconds in which a server must have stopped what it was asked to

# Where this process has been connected. An unknown host is a mistake in the settings, unless it was known
# before: a container that restarts loses its name for a while.
_reached: set[str] = set()


# Where each connection of the driver leads to, for who has nothing but an error of it.
_places: WeakKeyDictionary[psycopg2.extensions.connection, str] = WeakKeyDictionary()


class Sessions:
    """The open connections of one piece of work; closing it closes them, `cancel` stops what they do."""

    def __init__(self) -> None:
        self._open: list[Connection] = []
        self._coming: dict[Engine, list[Future[Connection]]] = {}
        self._guard = threading.Lock()
        self._asked = 0.0  # when it was asked to stop, by time.monotonic
        self.cancelled = False

    def expect(self, engine: Engine, count: int = 1) -> None:
        """Begin to open connections that `connect` is going to be asked for: to wait for all is to wait once.

        A reason to fail is told to whoever asks for the connection; that nobody does is no mistake.
        """
        for _ in range(count):
            coming: Future[Connection] = Future()
            with self._guard:
                self._coming.setdefault(engine, []).append(coming)
            # On a thread that no end of the process waits for: a host that does not answer keeps it.
            threading.Thread(
                target=copy_context().run, args=(_connect, engine, coming), daemon=True
            ).start()

    def connect(self, engine: Engine, *, autocommit: bool = False) -> Connection:
        """Open a connection, or take one that is expected, and remember it."""
        where = engine.get_execution_options()["where"]
        with self._guard:
            expected = self._coming.get(engine)
            coming = expected.pop(0) if expected else None
        try:
            connection = coming.result() if coming else engine.connect()
        except DBAPIError as error:
            vanished = where in _reached and is_unknown_host(error)
            raise RunError(
                f"cannot connect to {where}: {str(error.orig).strip()}{_secret_of(engine, error)}",
                transient=vanished or is_transient(error),
            ) from error
        _reached.add(where)
        if autocommit:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        with self._guard:
            self._open.append(connection)
        return connection

    def cancel(self) -> None:
        """Ask the servers to stop every statement that is running; may be called again, from any thread.

        Who has not obeyed after a while is cut off: a network that carries nothing carries no request.
        """
        self.cancelled = True
        with self._guard:
            self._asked = self._asked or time.monotonic()
            deaf = time.monotonic() - self._asked > DEAF
            stop = _sever if deaf else _cancel
            for connection in self._open:
                # On threads of their own, that none waits for another: to ask is to connect once more.
                threading.Thread(target=stop, args=(connection,), daemon=True).start()

    def refuse_when_cancelled(self) -> None:
        """Raise CancelledError when everything was asked to stop, so that nothing new begins."""
        if self.cancelled:
            raise CancelledError

    def __enter__(self) -> Sessions:
        return self

    def close(self) -> None:
        """Close them all, which gives up what is not committed, and the locks."""
        with self._guard:
            present = list(self._open)
            self._open.clear()
            unused = [coming for expected in self._coming.values() for coming in expected]
            self._coming.clear()
        for coming in unused:
            coming.add_done_callback(_unneeded)
        for connection in reversed(present):
            with contextlib.suppress(Exception):  # what is broken already cannot be closed
                connection.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def engine_for(settings: ConnectionSettings, *, read_only: bool = False) -> Engine:
    """Make the SQLAlchemy engine of one database; each connection is new and has its session pinned."""
    arguments: dict[str, Any] = settings.connect_args()
    where = f"{settings.prefix} {settings.describe()}"
    secret_from = settings.secret.origin if settings.secret else ""
    engine = create_engine(
        "postgresql+psycopg2://",
        connect_args=arguments,
        poolclass=NullPool,
        execution_options={"where": where, "secret_from": secret_from, "prefix": settings.prefix},
        use_native_hstore=False,  # no value is decoded here, and to ask for the type begins a transaction
    )
    pins = PINNED + ("; set default_transaction_read_only = on" if read_only else "")

    @event.listens_for(engine, "connect", insert=True)  # before SQLAlchemy begins a transaction
    def pin(connection: psycopg2.extensions.connection, record: ConnectionPoolEntry) -> None:
        connection.autocommit = True
        # By SET the server alone would know, and the driver would go on in another encoding.
        connection.set_client_encoding("UTF8")
        newer = PINNED_SINCE_17 if connection.server_version >= 170000 else ""
        _places[connection] = where
        record.info["backend"] = connection.info.backend_pid
        with connection.cursor() as cursor:
            try:
                cursor.execute(DIRECT.format(pid=connection.info.backend_pid) + pins + newer)
            except psycopg2.errors.DivisionByZero:  # a pooler has answered the login
                own = own_session(connection, lambda: psycopg2.connect(**arguments), where)
                record.info["backend"] = own
                cursor.execute(pins + newer)
            with contextlib.suppress(psycopg2.errors.InvalidParameterValue):
                cursor.execute(NOTICE)
        connection.autocommit = False

    return engine


def where_of(error: BaseException) -> str:
    """Return which database an error came from, by its prefix and address; empty when it does not tell."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    cursor = getattr(origin, "cursor", None)
    return _places.get(cursor.connection, "") if cursor else ""


def _secret_of(engine: Engine, error: DBAPIError) -> str:
    """Say which variable has the password that was refused or is missing, as far as the server says so."""
    options = engine.get_execution_options()
    origin, prefix = options["secret_from"], options["prefix"]
    if "no password supplied" in str(error.orig) and not origin:
        return f" (set {prefix}_PASSWORD or {prefix}_PASSWORD_FILE)"
    refused = "password authentication failed" in str(error.orig)
    return f" (the password is from {origin})" if refused and origin else ""


def refuse_lost(connections: Mapping[str, Connection], error: BaseException) -> None:
    """Raise a RunError when one of these connections, by their names, is broken: that was the reason."""
    for name, connection in connections.items():
        if connection.invalidated:
            where = connection.engine.get_execution_options()["where"]
            raise RunError(
                f"the connection to the {name} ({where}) was lost", transient=True
            ) from error


def _connect(engine: Engine, coming: Future[Connection]) -> None:
    try:
        coming.set_result(engine.connect())
    except BaseException as error:  # noqa: BLE001  (it is raised again by who asks for the connection)
        coming.set_exception(error)


def _unneeded(coming: Future[Connection]) -> None:
    if coming.exception() is None:
        with contextlib.suppress(Exception):  # what is broken already cannot be closed
            coming.result().close()


def _cancel(connection: Connection) -> None:
    with contextlib.suppress(Exception):  # a connection that is gone needs no cancelling
        raw_of(connection).cancel()


def _sever(connection: Connection) -> None:
    """Shut the socket of a connection: whoever waits for an answer hears that it was lost."""
    with (
        contextlib.suppress(Exception),
        socket.socket(fileno=os.dup(raw_of(connection).fileno())) as own,
    ):
        own.shutdown(socket.SHUT_RDWR)


def raw_of(connection: Connection) -> psycopg2.extensions.connection:
    """Return the psycopg2 connection underneath, for COPY and for cancelling."""
    return connection.connection.driver_connection  # type: ignore[return-value]


def backend(connection: Connection) -> int:
    """Return the process id of a connection's backend, without asking it."""
    return int(connection.info["backend"])


def execute(connection: Connection, sql: str) -> Any:
    """Run one statement as it is: a percent sign in it is not a parameter."""
    return connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def count_of(connection: Connection, sql: str) -> int:
    """Run one statement and return its count: of the rows it changed, or the number that it selects."""
    result = execute(connection, sql)
    if result.returns_rows:
        return int(result.scalar_one())
    return max(int(result.rowcount), 0)
