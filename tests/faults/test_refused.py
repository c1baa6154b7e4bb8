"""A database refuses half-way, or from the beginning: what was wrong is said, and nothing is published."""

from __future__ import annotations

import socket
from contextlib import closing
from functools import partial

import pytest

from engine import retry
from engine.commands.history import read as read_history
from engine.database.embedded.server import passwords
from engine.errors import RunError
from engine.mapping.load import load
from engine.mapping.model import Connection
from engine.run import plan
from engine.settings import settings_for
from tests.conftest import ROOT
from tests.faults.proxy import Proxy
from tests.faults.shop import change, content, loaded, past, run_here, variant, wanted

HALF = """SELECT n AS order_id, n AS user_id, n AS product_id, 1 AS quantity, DATE '2026-01-01' AS order_date,
               1 / (500000 - n) AS total, now() AS updated_at
        FROM generate_series(1, 600000) AS n"""
QUERY = """SELECT order_id, user_id, product_id, quantity, order_date, total, updated_at
        FROM orders"""
SERVERS = ["source", "warehouse"]
STAR = ROOT / "mappings/star.yml"
CONNECTIONS = (Connection("source", "SOURCE"), Connection("warehouse", "WAREHOUSE"))


@pytest.mark.parametrize("known", [False, True])
def test_a_source_that_fails_half_way_is_no_early_end(known, databases, engine, watch, tmp_path):
    """Half a table looks like a whole one to COPY, which only the source can tell apart (TRAPS 11)."""
    if known:
        run_here(databases)
        change(databases, 1)
    before = content(databases)
    running = engine(mapping=variant(tmp_path / "half.yml", (QUERY, HALF)))
    assert running.wait() == 1, running.errors
    last = running.errors.splitlines()[-1]
    assert ": facts.fact_orders.source.query: copy failed: division by zero (in SOURCE " in last
    assert "attempt" not in running.errors
    assert watch.silent()
    assert content(databases) == before
    assert past(databases)[0].status == "failed"
    assert past(databases)[0].error == last
    run_here(databases)
    assert loaded(databases) == wanted(databases)


def wrong(databases, server, what):
    """Return the variables of the engine with one thing wrong in one of the two URLs."""
    found = getattr(databases, server)
    password = passwords(found.passfile)[found.user]
    changes = {
        "password": (f":{password}@", ":not-the-password@"),
        "database": (f"/{found.database}", "/nowhere"),
        "user": (f"//{found.user}:", "//nobody:"),
        "port": (f":{found.port}/", f":{closed_port()}/"),
    }
    return {f"{server.upper()}_URL": found.url().replace(*changes[what])}


def closed_port():
    """Return a port on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return taken.getsockname()[1]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("password", 'password authentication failed for user "{user}"'),
        ("user", 'password authentication failed for user "nobody"'),
        ("database", 'database "nowhere" does not exist'),
    ],
)
def test_what_no_patience_mends_fails_at_once(server, what, said, databases, engine, watch):
    running = engine(**wrong(databases, server, what))
    assert running.wait() == 1, running.errors
    found = getattr(databases, server)
    user = "nobody" if what == "user" else found.user
    name = "nowhere" if what == "database" else found.database
    where = f"{server.upper()} {user}@{found.host}:{found.port}/{name}"
    last = running.errors.splitlines()[-1]
    assert last.startswith(f"cannot connect to {where}: "), last
    wanted = said.format(user=user)
    if "password" in wanted:
        wanted += f" (the password is from {server.upper()}_URL)"
    assert last.endswith(wanted), last
    assert "attempt" not in running.errors
    assert watch.silent()
    expected = [("failed", last)] if server == "source" else []  # no ledger was within reach
    assert [(run.status, run.error) for run in past(databases)] == expected


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_is_not_there_is_waited_for_but_not_for_ever(server, databases, monkeypatch):
    """The waits are asked for and not slept; that they can be slept through, test_interrupt.py shows."""
    waits = []
    monkeypatch.setattr(retry, "retrying", partial(retry.retrying, sleep=waits.append))
    away = wrong(databases, server, "port")
    with pytest.raises(RunError, match=f"^cannot connect to {server.upper()} .*refused"):
        run_here(databases, **away)
    assert len(waits) == 7
    assert 45 <= sum(waits) <= 50
    assert [run.status for run in past(databases)] == ["failed"] * (server == "source")


def asked(databases, question, **variables):
    """Ask, in this process, what is asked without a run: for the plan, or for the past runs."""
    settings = settings_for(CONNECTIONS, {**databases.environment, **variables})
    if question == "plan":
        return plan(load(STAR), settings)[0].stages
    return read_history(settings["warehouse"], None, 10)[0]


@pytest.mark.parametrize(
    ("question", "server"), [("plan", "source"), ("plan", "warehouse"), ("history", "warehouse")]
)
def test_a_question_waits_for_a_server_too(question, server, databases, monkeypatch):
    run_here(databases)
    found, port = getattr(databases, server), closed_port()
    gates = []

    def come(_wait):
        gates.append(Proxy(found.host, found.port, listen=port))

    monkeypatch.setattr(retry, "retrying", partial(retry.retrying, sleep=come))
    url = found.url().replace(f":{found.port}/", f":{port}/")
    try:
        assert asked(databases, question, **{f"{server.upper()}_URL": url})
    finally:
        for gate in gates:
            gate.close()
    assert len(gates) == 1


@pytest.mark.parametrize("question", ["plan", "history"])
def test_a_question_does_not_wait_for_ever_or_in_vain(question, databases, monkeypatch):
    waits = []
    monkeypatch.setattr(retry, "retrying", partial(retry.retrying, sleep=waits.append))
    with pytest.raises(RunError, match=r"^cannot connect to WAREHOUSE .*refused"):
        asked(databases, question, **wrong(databases, "warehouse", "port"))
    assert len(waits) == 4
    assert sum(waits) < 20
    waits.clear()
    with pytest.raises(RunError, match="password authentication failed"):
        asked(databases, question, **wrong(databases, "warehouse", "password"))
    assert waits == []


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_comes_in_time_is_taken_and_the_ledger_knows_the_run(
    server, databases, monkeypatch
):
    """An attempt that did not reach the ledger must not hide the run from it."""
    found = getattr(databases, server)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    gates = []

    def come(_wait):
        gates.append(Proxy(found.host, found.port, listen=port))

    monkeypatch.setattr(retry, "retrying", partial(retry.retrying, sleep=come))
    url = found.url().replace(f":{found.port}/", f":{port}/")
    try:
        assert run_here(databases, **{f"{server.upper()}_URL": url}).status == "done"
    finally:
        for gate in gates:
            gate.close()
    assert len(gates) == 1
    assert [(run.status, run.error) for run in past(databases)] == [("done", None)]
    assert loaded(databases) == wanted(databases)
