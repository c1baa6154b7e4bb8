import logging
import socket
import struct
from contextlib import closing, suppress
from threading import Thread

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pytest
import sqlalchemy

from engine import logs
from engine.errors import CheckFailedError, LockedError, MappingError, RunError, SettingsError
from engine.retry import is_transient, retrying


@pytest.fixture
def waits():
    """The seconds that were slept, which takes no time here."""
    return []


def failure(state):
    """Return the error that psycopg2 makes of this SQLSTATE; only its own code can set pgcode."""
    kind = psycopg2.errors.lookup(state)
    error = kind("made up")
    error.__setstate__({"pgcode": state})
    return error


def caught(dsn, **arguments):
    with pytest.raises(psycopg2.Error) as error:
        psycopg2.connect(dsn, connect_timeout=5, **arguments).close()
    return error.value


@pytest.fixture
def closed_port():
    """A port of this machine that nobody listens on, and nobody else is given."""
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture
def answering():
    """Return a function: a port where a listener answers each start-up with these bytes."""
    listeners = []

    def serve(answer):
        listener = socket.create_server(("127.0.0.1", 0))

        def answer_each():
            with suppress(OSError):  # closed: the test is over
                while True:
                    peer, _ = listener.accept()
                    with peer, suppress(OSError):  # a client may leave early
                        peer.recv(1024)
                        peer.sendall(answer)

        thread = Thread(target=answer_each, daemon=True)
        thread.start()
        listeners.append((listener, thread))
        return listener.getsockname()[1]

    yield serve
    for listener, thread in listeners:
        with suppress(OSError):  # macOS knows no shutdown of a listener, and wakes it at close
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def error_response(state, text):
    """Return PostgreSQL's message E, as https://www.postgresql.org/docs/current/protocol-message-formats.html."""
    body = f"SFATAL\0VFATAL\0C{state}\0M{text}\0\0".encode()
    return b"E" + struct.pack("!i", len(body) + 4) + body


@pytest.mark.parametrize(
    ("state", "transient"),
    [
        ("08006", True),
        ("08001", True),
        ("08P01", False),
        ("57P01", True),
        ("57P02", True),
        ("57P03", True),
        ("40001", True),
        ("40P01", True),
        ("53300", True),
        ("28P01", False),
        ("28000", False),
        ("3D000", False),
        ("42501", False),
        ("42P01", False),
        ("23505", False),
        ("22012", False),
        ("55P03", True),
        ("57014", False),
        ("53100", False),
    ],
)
def test_sqlstate_decides(state, transient):
    error = failure(state)
    assert error.pgcode == state
    assert is_transient(error) is transient
    assert is_transient(sqlalchemy.exc.DBAPIError("select 1", {}, error)) is transient


def test_a_refused_connection_passes(closed_port):
    assert is_transient(caught(f"host=127.0.0.1 port={closed_port} user=u dbname=d"))


def test_a_socket_that_is_not_there_passes(tmp_path):
    assert is_transient(caught(f"host={tmp_path} user=u dbname=d"))


@pytest.mark.parametrize(
    ("state", "text", "transient"),
    [
        ("57P03", "the database system is starting up", True),
        ("57P03", "the database system is shutting down", True),
        ("57P03", "the database system is in recovery mode", True),
        ("57P03", "the database system is not yet accepting connections", True),
        ("53300", "sorry, too many clients already", True),
        ("53300", "remaining connection slots are reserved for roles with SUPERUSER", True),
        ("53300", 'too many connections for role "u"', True),
        ("28P01", 'password authentication failed for user "u"', False),
        ("28000", 'no pg_hba.conf entry for host "h", user "u", database "d"', False),
        ("28000", 'role "u" does not exist', False),
        ("28000", 'role "u" is not permitted to log in', False),
        ("3D000", 'database "d" does not exist', False),
        ("42501", 'permission denied for database "d"', False),
        ("28P01", "Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", False),
    ],
)
def test_what_the_server_says_to_a_new_connection(answering, state, text, transient):
    port = answering(error_response(state, text))
    error = caught(f"host=127.0.0.1 port={port} user=u dbname=d sslmode=disable")
    assert text in str(error)
    assert error.pgcode is None  # which is why the text has to be read
    assert is_transient(error) is transient


def test_a_server_that_hangs_up_passes(answering):
    port = answering(b"")
    assert is_transient(caught(f"host=127.0.0.1 port={port} user=u dbname=d sslmode=disable"))


def test_a_server_without_tls_does_not_pass(answering):
    port = answering(b"N")
    error = caught(f"host=127.0.0.1 port={port} user=u dbname=d sslmode=require")
    assert "does not support SSL" in str(error)
    assert not is_transient(error)


def test_of_two_addresses_the_one_that_answered_counts(answering, closed_port):
    port = answering(error_response("28P01", "password authentication failed"))
    ports = f"port={closed_port},{port}"
    error = caught(f"host=127.0.0.1,127.0.0.1 {ports} user=u dbname=d sslmode=disable")
    assert "Connection refused" in str(error)
    assert not is_transient(error)


def test_a_wrong_host_name_does_not_pass():
    text = 'could not translate host name "x" to address: {}'
    assert not is_transient(psycopg2.OperationalError(text.format("Name or service not known")))
    passing = "Temporary failure in name resolution"
    assert is_transient(psycopg2.OperationalError(text.format(passing)))


def test_a_mistake_in_the_settings_does_not_pass():
    assert not is_transient(caught("host=h user=u nonsense=1"))
    assert not is_transient(caught("host=127.0.0.1 user=u sslmode=nonsense"))


def test_a_real_wrong_password_does_not_pass(databases):
    arguments = databases.source_url.replace("+psycopg2", "", 1)
    error = caught(arguments, password="wrong")
    assert "password authentication failed" in str(error)
    assert not is_transient(error)


def test_a_real_unknown_database_does_not_pass(databases):
    error = caught(databases.source_url.replace("+psycopg2", "", 1), dbname="nowhere")
    assert "does not exist" in str(error)
    assert not is_transient(error)


def test_a_real_terminated_session_passes(databases):
    with closing(databases.connect(databases.warehouse_url)) as connection:
        pid = connection.info.backend_pid
        databases.query(databases.warehouse_admin_url, f"SELECT pg_terminate_backend({pid}, 5000)")
        with closing(connection.cursor()) as cursor:
            with pytest.raises(psycopg2.Error) as lost:
                cursor.execute("SELECT 1")
            assert is_transient(lost.value)
            with pytest.raises(psycopg2.InterfaceError) as closed:
                connection.cursor()
    assert is_transient(closed.value)


def test_a_real_serialization_failure_passes(databases):
    url = databases.warehouse_url
    databases.query(url, "CREATE TABLE counter AS SELECT 1 AS n")
    with closing(databases.connect(url)) as connection, closing(connection.cursor()) as cursor:
        connection.set_session(isolation_level="REPEATABLE READ")
        cursor.execute("SELECT n FROM counter")
        databases.query(url, "UPDATE counter SET n = 2")
        with pytest.raises(psycopg2.errors.SerializationFailure) as error:
            cursor.execute("UPDATE counter SET n = 3")
    assert is_transient(error.value)


def test_a_real_violation_does_not_pass_whatever_its_text_says(databases):
    sql = "DO $$ BEGIN RAISE unique_violation USING message = 'connection refused'; END $$"
    with pytest.raises(psycopg2.errors.UniqueViolation) as error:
        databases.query(databases.warehouse_url, sql)
    assert "connection refused" in str(error.value)
    assert not is_transient(error.value)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (RunError("x", transient=True), True),
        (RunError("x"), False),
        (CheckFailedError("x"), False),
        (LockedError("x"), False),
        (SettingsError("x"), False),
        (MappingError(()), False),
        (ValueError("connection refused"), False),
        (ConnectionRefusedError("connection refused"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_other_errors(error, transient):
    assert is_transient(error) is transient


def test_the_cause_counts_where_the_error_does_not_say():
    error = ValueError("wrapped")
    error.__cause__ = failure("40001")
    assert is_transient(error)
    verdict = RunError("the engine knows better")
    verdict.__cause__ = failure("40001")
    assert not is_transient(verdict)


def test_causes_in_a_ring_end():
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert not is_transient(first)


def flaky(errors):
    """Return a function that raises these errors in turn, then returns its argument."""
    left = list(errors)

    def work(value):
        if left:
            raise left.pop(0)
        return value

    return work


def test_a_transient_failure_is_tried_again(waits, caplog):
    work = flaky([failure("40001"), failure("57P03")])
    with caplog.at_level(logging.WARNING, "engine.retry"):
        assert retrying("loading", attempts=3, sleep=waits.append)(work, 7) == 7
    assert len(waits) == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"loading failed (attempt {attempt} of 3), next attempt in {wait:.1f} s: made up"
        for attempt, wait in enumerate(waits, start=1)
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert caplog.records[0].attempt == 1


def test_a_permanent_failure_is_not(waits):
    error = failure("28P01")
    with pytest.raises(psycopg2.Error) as raised:
        retrying("connecting", sleep=waits.append)(flaky([error]), 7)
    assert raised.value is error
    assert waits == []


def test_attempts_are_bounded_and_the_last_error_comes_out(waits):
    errors = [failure("40001") for _ in range(9)]
    with pytest.raises(psycopg2.Error) as raised:
        retrying("loading", attempts=4, sleep=waits.append)(flaky(errors), 7)
    assert raised.value is errors[3]
    assert len(waits) == 3


def test_waits_double_and_are_bounded_and_jittered():
    seen = []
    for _ in range(20):
        waits = []
        caller = retrying("x", attempts=6, first_wait=1, longest_wait=7, sleep=waits.append)
        caller(flaky([failure("40001") for _ in range(5)]), 7)
        seen.append(waits)
    for attempt, (low, high) in enumerate([(1, 2), (2, 3), (4, 5), (7, 7), (7, 7)]):
        assert all(low <= waits[attempt] <= high for waits in seen)
    assert len({waits[0] for waits in seen}) > 10


def test_seconds_are_bounded(waits):
    errors = [failure("40001") for _ in range(99)]
    caller = retrying("x", attempts=99, seconds=3, first_wait=2, sleep=waits.append)
    with pytest.raises(psycopg2.Error):
        caller(flaky(errors), 7)
    # The first wait takes 2 to 4 seconds; where it would end after 3, it does not begin.
    assert len(waits) < 99
    assert all(wait < 3 for wait in waits)


def test_the_reason_is_one_redacted_line(waits, caplog, monkeypatch):
    monkeypatch.setattr(logs, "REDACTOR", logs.Redactor())
    logs.register("giraffe")
    error = psycopg2.OperationalError("connection refused\n\tfor giraffe")
    retrying("x", sleep=waits.append)(flaky([error]), 7)
    assert caplog.records[0].getMessage().endswith(": connection refused for ***")


def test_an_interrupt_ends_it(waits):
    with pytest.raises(KeyboardInterrupt):
        retrying("x", sleep=waits.append)(flaky([KeyboardInterrupt()]), 7)
    assert waits == []
