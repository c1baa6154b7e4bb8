"""The network fails between the engine and a server: in the middle of the rows, and around COMMIT."""

from __future__ import annotations

import signal
from contextlib import contextmanager

import pytest

from tests.conftest import query
from tests.faults.proxy import Proxy
from tests.faults.shop import content, loaded, past, run_here, variant, wait_until, wanted

pytestmark = pytest.mark.usefixtures("quick_retries")
CUTS = ["close", "reset", "half up", "half down"]
SOON = 8  # seconds: a server that does not answer is given 3
MUCH = 300_000  # bytes in one direction of one connection: only the rows of the orders are so many
MORE = """
INSERT INTO orders (user_id, product_id, quantity, order_date, total)
SELECT user_id, product_id, 1, order_date, total FROM orders ORDER BY order_id LIMIT 100
"""
PUBLISHED = b"status='done'"  # the last statement of the transaction that publishes


@contextmanager
def through(databases, server, rule):
    """Give the variable that leads the engine through a proxy to a server, and the proxy."""
    found = getattr(databases, server)
    with Proxy(found.host, found.port, rule) as proxy:
        url = found.url().replace(f":{found.port}/", f":{proxy.port}/")
        yield {f"{server.upper()}_URL": url}, proxy


@pytest.fixture
def appending(tmp_path):
    """A fact that is only ever appended to: published twice, it would hold every order twice."""
    return variant(tmp_path / "append.yml", ("load: upsert", "load: append"))


def in_the_rows(direction, cut):
    """Cut a connection that carries many rows."""

    def rule(line, toward, _data):
        return cut if toward == direction and line.carried[direction] > MUCH else None

    return rule


class AtCommit:
    """Cuts the publishing connection when COMMIT comes, or when its answer does."""

    def __init__(self, cut, *, committed):
        self._cut, self._committed = cut, committed
        self._publishing, self._asked = set(), set()

    def __call__(self, line, toward, data):
        if toward == "down":
            return self._cut if line in self._asked else None
        if PUBLISHED in data:
            self._publishing.add(line)
        if line not in self._publishing or b"COMMIT" not in data:
            return None
        if not self._committed:
            return self._cut
        self._asked.add(line)
        return None


def attempts(databases):
    """Return the number of the last attempt of the newest run."""
    sql = "SELECT attempt FROM engine.run ORDER BY started_at DESC LIMIT 1"
    return query(databases.warehouse_url, sql)[0][0]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("server", "direction"), [("source", "down"), ("warehouse", "up")])
def test_a_cut_in_the_middle_of_the_rows(server, direction, cut, databases, appending):
    with through(databases, server, in_the_rows(direction, cut)) as (variables, proxy):
        assert run_here(databases, appending, **variables).status == "done"
        assert proxy.cuts == 1
    assert [(run.status, run.error) for run in past(databases)] == [("done", None)]
    assert attempts(databases) == 2
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_around_commit(cut, committed, databases, appending):
    """Where the answer alone was lost, nothing is done again, and the report is that of what was done."""
    run_here(databases, appending)
    query(databases.source_admin_url, MORE)
    with through(databases, "warehouse", AtCommit(cut, committed=committed)) as (variables, proxy):
        report = run_here(databases, appending, **variables)
        assert proxy.cuts == 1
    assert report.status == "done"
    inserted = {entry.name: entry.inserted for entry in report.entries}
    assert inserted == {"dim_date": 0, "dim_users": 0, "dim_products": 0, "fact_orders": 100}
    assert [(run.status, run.error) for run in past(databases)] == [("done", None)] * 2
    assert past(databases)[0].counts["inserted"] == 100
    assert attempts(databases) == (1 if committed else 2)
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize("committed", [False, True])
def test_an_answer_that_takes_long_is_waited_for(committed, databases, appending):
    run_here(databases, appending)
    query(databases.source_admin_url, MORE)
    with through(databases, "warehouse", AtCommit("delay", committed=committed)) as (
        variables,
        proxy,
    ):
        assert run_here(databases, appending, **variables).status == "done"
        assert proxy.cuts == 1
    assert attempts(databases) == 1
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize(("server", "direction"), [("source", "down"), ("warehouse", "up")])
def test_a_line_that_stalls_is_cut_off_when_the_run_is_interrupted(
    server, direction, databases, appending, engine
):
    """A network that carries nothing and says nothing: no answer comes to the request to cancel, either."""
    with through(databases, server, in_the_rows(direction, "stall")) as (variables, proxy):
        running = engine(mapping=appending, **variables)
        wait_until(lambda: proxy.cuts == 1, "the line stalls")
        assert running.interrupt(signal.SIGTERM) < SOON
        assert running.wait() == 130, running.errors
        assert running.errors.endswith("\ninterrupted: nothing was published\n"), running.errors
        assert content(databases) == {}
        assert [(run.status, run.error) for run in past(databases)] == [("failed", "interrupted")]
    run_here(databases, appending)
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize("committed", [False, True])
def test_an_interrupt_while_the_answer_to_commit_is_out_claims_nothing(
    committed, databases, appending, engine
):
    with through(databases, "warehouse", AtCommit("stall", committed=committed)) as (
        variables,
        proxy,
    ):
        running = engine(mapping=appending, **variables)
        wait_until(lambda: proxy.cuts == 1, "the line stalls")
        assert running.interrupt(signal.SIGTERM) < SOON
        assert running.wait() == 1, running.errors
        last = running.errors.splitlines()[-1]
        said = "the answer to COMMIT was lost, and `engine history` tells whether the star was published"
        assert last.startswith(said), running.errors
        assert [run.status for run in past(databases)] == ["done" if committed else "failed"]
        assert bool(content(databases)) == committed
    run_here(databases, appending)
    assert loaded(databases) == wanted(databases)
