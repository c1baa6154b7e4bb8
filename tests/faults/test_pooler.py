"""PgBouncer between: in session mode all is as without; one that lends sessions out is refused, in words."""

from __future__ import annotations

import signal
from contextlib import closing

import pytest

from tests.conftest import connect, query
from tests.faults.pooler import PROGRAM, Pooler
from tests.faults.shop import (
    Gate,
    change,
    content,
    gated_check,
    loaded,
    past,
    run_here,
    wait_until,
    wanted,
)

# A laptop may lack it; the CI may not, and refuses skipped tests.
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs pgbouncer: apt install pgbouncer")


def test_a_run_through_a_pool_in_session_mode_is_like_any_other(databases, engine, watch, tmp_path):
    with Pooler(databases, "session") as pooler:
        variables = pooler.environment
        running = engine(**variables)
        assert running.wait() == 0, running.errors
        change(databases, 1)
        # The engine knows its own sessions: what it holds open itself does not hold the watermark.
        assert engine(**variables).wait() == 0
        marks = query(databases.warehouse_url, "SELECT DISTINCT settled FROM engine.watermark")
        assert marks == [(True,)]
        assert loaded(databases) == wanted(databases)
        # And can be interrupted.
        change(databases, 2)
        before = content(databases)
        with Gate(databases.warehouse_url) as gate:
            running = engine(mapping=gated_check(tmp_path / "gated.yml"), **variables)
            gate.wait()
            assert running.interrupt(signal.SIGTERM) < 3
            wait_until(lambda: not gate.waiting(), "the statement was cancelled")
        assert running.wait() == 130, running.errors
        assert content(databases) == before
        assert past(databases)[0].error == "interrupted"
        assert engine(**variables).wait() == 0
        assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("server", ["SOURCE", "WAREHOUSE"])
def test_a_pool_that_lends_its_sessions_is_refused_before_anything_is_set(
    mode, server, databases, engine
):
    run_here(databases)
    change(databases, 1)
    before, known = content(databases), len(past(databases))
    with Pooler(databases, mode) as pooler:
        url = pooler.environment[f"{server}_URL"]
        running = engine(**{f"{server}_URL": url})
        assert running.wait() == 2, running.errors
        user = url.split("//")[1].split(":")[0]
        assert running.errors.splitlines()[-1] == (
            f"{server} {user}@127.0.0.1:{pooler.port}/{server.lower()} is a pooler that lends its sessions, "
            "and a run needs sessions of its own, for its settings and its snapshot: connect to the server "
            "itself, or to a pool in session mode (PgBouncer: pool_mode = session)"
        )
        assert "attempt" not in running.errors
        # Nobody else who gets those sessions finds a setting of the engine in them.
        pinned = "'extra_float_digits', 'intervalstyle', 'lc_monetary', 'client_connection_check_interval'"
        sql = f"SELECT name FROM pg_settings WHERE lower(name) IN ({pinned}) AND source = 'session'"
        with closing(connect(url, autocommit=True)) as other, other.cursor() as cursor:
            cursor.execute(sql)
            assert cursor.fetchall() == []
    assert content(databases) == before
    newest = past(databases)[: len(past(databases)) - known]
    assert [run.status for run in newest] == ["failed"] * (server == "SOURCE")
    run_here(databases)
    assert loaded(databases) == wanted(databases)
