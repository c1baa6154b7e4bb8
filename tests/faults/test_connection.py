"""The network fails between the engine and a server: in the middle of the rows, and around COMMIT."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from tests.conftest import query
from tests.faults.proxy import Proxy
from tests.faults.shop import loaded, past, run_here, variant, wanted

pytestmark = pytest.mark.usefixtures("quick_retries")
CUTS = ["close", "reset", "half up", "half down"]
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
