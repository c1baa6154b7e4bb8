"""Connections that are opened before they are asked for."""

import time

import pytest

from engine.database.connect import Sessions, backend, engine_for
from engine.errors import RunError
from engine.mapping.model import Connection
from engine.settings import settings_for

WAREHOUSE = (Connection("warehouse", "WAREHOUSE"),)
PRESENT = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
SECONDS = 10


def engine_of(stars, **environment):
    known = {**stars.databases.environment, **environment}
    return engine_for(settings_for(WAREHOUSE, known)["warehouse"])


def present(stars, wanted):
    """Return the backends that others have in the warehouse, as soon as there are so many."""
    deadline = time.monotonic() + SECONDS
    while len(found := set(stars.column(PRESENT))) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_who_asks_gets_the_connection_that_is_there(stars):
    engine = engine_of(stars)
    with Sessions() as sessions:
        sessions.expect(engine, 2)
        there = present(stars, 2)
        assert len(there) == 2
        taken = {backend(sessions.connect(engine)), backend(sessions.connect(engine))}
        assert taken == there
        assert backend(sessions.connect(engine)) not in there
    assert present(stars, 0) == set()


def test_what_nobody_asked_for_is_closed(stars):
    engine = engine_of(stars)
    with Sessions() as sessions:
        sessions.expect(engine, 2)
        sessions.connect(engine)
    assert present(stars, 0) == set()


def test_why_it_failed_is_told_to_who_asks(stars):
    engine = engine_of(stars, WAREHOUSE_URL="postgresql://engine@127.0.0.1:1/nowhere")
    with Sessions() as sessions:
        sessions.expect(engine, 2)
        with pytest.raises(
            RunError, match=r"cannot connect to WAREHOUSE .*127\.0\.0\.1:1"
        ) as caught:
            sessions.connect(engine)
    assert caught.value.transient
