"""COPY out of one database into the other, through a pipe: no row is decoded, nothing is held in memory."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import BinaryIO

import psycopg2
from sqlalchemy import Connection

from engine.database.connect import raw_of

BUFFER = 1 << 20  # bytes; larger gains nothing, smaller costs calls


@dataclass(slots=True)
class Verdict:
    """How the sending side ended: with a count of rows, or with an error."""

    rows: int = 0
    error: BaseException | None = None


class Tail:
    """The receiving end, which takes the end of the file for the end of the rows only when the source agrees.

    A source that dies looks like an early end of file: half a table would be taken for a whole (TRAPS 11).
    """

    def __init__(self, file: BinaryIO, sender: threading.Thread, verdict: Verdict) -> None:
        self._file = file
        self._sender = sender
        self._verdict = verdict

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, none at the true end; raises what the source raised."""
        data = self._file.read(size)
        if not data:
            self._sender.join()
            if self._verdict.error is not None:
                raise self._verdict.error
        return data

    def readline(self, size: int = -1, /) -> bytes:
        """Return what `read` returns: psycopg2 asks that it is there and never calls it."""
        return self.read(size)


def stream(source: Connection, out: str, target: Connection, into: str) -> int:
    """Run COPY … TO STDOUT on one connection and COPY … FROM STDIN on another.

    Returns the number of rows that the source says it sent. Raises the error of the side that failed first.
    """
    reading, writing = os.pipe()
    verdict = Verdict()
    sender = threading.Thread(
        target=_send, args=(raw_of(source), out, writing, verdict), name="copy-out", daemon=True
    )
    with os.fdopen(reading, "rb", buffering=BUFFER) as file:
        sender.start()
        received = -1
        try:
            with raw_of(target).cursor() as cursor:
                cursor.copy_expert(into, Tail(file, sender, verdict), size=BUFFER)
                received = cursor.rowcount
        except psycopg2.Error:
            if verdict.error is None:
                raise  # the warehouse failed; the source was only cut off
        finally:
            file.close()  # a sender that still writes gets a broken pipe and ends
            sender.join()
    if verdict.error is not None:
        raise verdict.error
    if received != verdict.rows:
        raise psycopg2.OperationalError(
            f"the source sent {verdict.rows} rows and the warehouse received {received}"
        )
    return verdict.rows


def _send(
    connection: psycopg2.extensions.connection, sql: str, pipe: int, verdict: Verdict
) -> None:
    try:
        with os.fdopen(pipe, "wb", buffering=BUFFER) as file:
            with connection.cursor() as cursor:
                cursor.copy_expert(sql, file, size=BUFFER)
                rows = cursor.rowcount
            file.flush()
        verdict.rows = rows
    except BaseException as error:  # noqa: BLE001  (it is raised again by the thread that waits)
        verdict.error = _named(error, connection)


def _named(error: BaseException, connection: psycopg2.extensions.connection) -> BaseException:
    """Return the error; of a connection that broke within COPY, psycopg2 says no more than a status."""
    if isinstance(error, psycopg2.Error) and error.pgcode is None and connection.closed:
        lost = psycopg2.OperationalError("the server closed the connection while it sent rows")
        lost.__cause__ = error
        return lost
    return error
