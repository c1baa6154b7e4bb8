"""Timeouts, locks of others and a deadlock: cancelled, waited for, or tried again, and never half done."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from tests.conftest import connect, query, query_outside
from tests.faults.shop import (
    Gate,
    change,
    content,
    gated_check,
    gated_query,
    loaded,
    past,
    run_here,
    wait_until,
    wanted,
)

SERVERS = ["source", "warehouse"]


@pytest.fixture
def behind(databases):
    """A star that is loaded, and changes of the source that are not."""
    run_here(databases)
    change(databases, 1)
    return content(databases)


def limit(server, setting):
    """Set something for every session of a database that begins from now on."""
    query_outside(server, f"ALTER DATABASE {server.database} SET {setting}")


def lift(server):
    query_outside(server, f"ALTER DATABASE {server.database} RESET ALL")


def locking(url, table):
    """Take a lock on a table that nobody can pass, and return the session that holds it."""
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    return closing(connection)


def attempt(databases):
    sql = "SELECT attempt FROM engine.run ORDER BY started_at DESC LIMIT 1"
    return query(databases.warehouse_url, sql)[0][0]


@pytest.mark.parametrize("server", SERVERS)
def test_a_statement_that_takes_too_long_for_a_server_ends_the_run(
    server, databases, behind, engine, watch, tmp_path
):
    """A longer time would not help the next attempt: it is not tried again."""
    limit(getattr(databases, server), "statement_timeout = '300ms'")
    gated = gated_query if server == "source" else gated_check
    with Gate(getattr(databases, f"{server}_url")):
        running = engine(mapping=gated(tmp_path / "gated.yml"))
        assert running.wait() == 1, running.errors
    last = running.errors.splitlines()[-1]
    said = "failed: canceling statement due to statement timeout"
    if server == "source":
        assert f": facts.fact_orders.source.query: copy {said} (in SOURCE " in last
    else:
        assert last == f"fact_orders: check sql {said}"
    assert "attempt" not in running.errors
    assert watch.silent()
    assert content(databases) == behind
    assert (past(databases)[0].status, past(databases)[0].error) == ("failed", last)
    lift(getattr(databases, server))
    run_here(databases)
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize(("server", "table"), [("source", "orders"), ("warehouse", "fact_orders")])
@pytest.mark.usefixtures("behind")
def test_a_lock_that_is_not_given_in_time_is_asked_for_again(server, table, databases, engine):
    limit(getattr(databases, server), "lock_timeout = '200ms'")
    with locking(getattr(databases, f"{server}_admin_url"), table):
        running = engine()
        wait_until(lambda: "attempt 1 of 8" in running.errors, "the first attempt has failed")
    assert running.wait() == 0, running.errors
    assert "canceling statement due to lock timeout" in running.errors
    assert [(run.status, run.error) for run in past(databases)] == [("done", None)] * 2
    assert attempt(databases) > 1
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize(("server", "table"), [("source", "orders"), ("warehouse", "fact_orders")])
@pytest.mark.usefixtures("behind")
def test_a_lock_of_somebody_else_is_waited_for(server, table, databases, engine, watch):
    with locking(getattr(databases, f"{server}_admin_url"), table):
        running = engine()
        wait_until(lambda: watch.sessions(server, "wait_event_type = 'Lock'"), "it waits")
        assert running.running
    assert running.wait() == 0, running.errors
    assert [(run.status, run.error) for run in past(databases)] == [("done", None)] * 2
    assert attempt(databases) == 1
    assert loaded(databases) == wanted(databases)


@pytest.mark.usefixtures("behind")
def test_a_deadlock_costs_an_attempt(databases, engine):
    """Somebody holds the fact and wants a dimension that the run has changed: the run is the victim."""
    sql = "UPDATE dim_users SET name = name WHERE user_id = 41"  # as `change` does with number 1
    with closing(connect(databases.warehouse_admin_url)) as other, other.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '30s'; BEGIN")
        cursor.execute("LOCK TABLE fact_orders IN SHARE MODE")  # it may be read
        running = engine()
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'fact_orders'::regclass"
        wait_until(lambda: bool(query(databases.warehouse_admin_url, waits)), "the run waits")
        asking = threading.Thread(target=cursor.execute, args=(sql,))
        asking.start()
        asking.join(20)
        assert not asking.is_alive()
        other.rollback()
    assert running.wait() == 0, running.errors
    assert "deadlock detected" in running.errors
    assert [(run.status, run.error) for run in past(databases)] == [("done", None)] * 2
    assert attempt(databases) == 2
    assert loaded(databases) == wanted(databases)
