"""The clock of the source is another than ours, goes over the end of summer time, or is set back."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from engine.database.embedded import Embedded
from tests.conftest import postgres, query, query_outside, some_folder
from tests.faults.clock import FOUND, shift
from tests.faults.conftest import fresh, grown
from tests.faults.shop import change, loaded, run_here, wanted
from tests.integration.stars import Stars, counts, fact, star

# A laptop may lack it; the CI may not, and refuses skipped tests.
pytestmark = pytest.mark.skipif(not FOUND, reason="needs libfaketime: apt install libfaketime")
# What was written by another clock before gets its time from this one.
TOUCH = "; ".join(
    f"UPDATE {table} SET updated_at = DEFAULT" for table in ("users", "products", "orders")
)


@pytest.fixture(scope="module")
def own():
    """Servers of our own, one of which will be another time, and the shop on it."""
    with some_folder() as folder:
        embedded = Embedded(folder, sync=False, **postgres())
        embedded.start()
        yield embedded, grown(embedded.source)


@pytest.fixture
def databases(own):
    embedded, shop = own
    with fresh(shop, embedded.warehouse) as found:
        yield found


@pytest.mark.parametrize("days", [-400, 0.1, 400])
def test_the_clock_of_the_source_is_another_one(days, own, databases):
    """Only the clock of the source says how far it was read, and only that of the warehouse when."""
    shift(own[0], days * 86_400)
    ((there,),) = query(databases.source_url, "SELECT clock_timestamp()")
    assert abs(there - datetime.now(UTC) - timedelta(days=days)) < timedelta(minutes=1)
    query(databases.source_admin_url, TOUCH)
    for n in range(3):
        change(databases, n)
        report = run_here(databases)
        assert loaded(databases) == wanted(databases)
        assert counts(report, "fact_orders").get("inserted", 0) > 0
    # What was read is settled, so that not everything is read again; the border is read twice.
    assert counts(run_here(databases), "fact_orders")["read"] < 10
    when = "SELECT max(abs(extract(epoch FROM now() - started_at))) < 60 FROM engine.run"
    assert query(databases.warehouse_url, when) == [(True,)]


def test_the_hour_that_comes_twice_in_autumn(own, databases, tmp_path):
    """What is written after the clocks are set back has a lower local time than what was read before."""
    stars = Stars(databases, tmp_path)
    switch = datetime(2026, 10, 25, 1, tzinfo=UTC)
    outside = f"ALTER DATABASE {databases.source.database} SET timezone = 'Europe/Berlin'"
    query_outside(databases.source, outside)
    stars.source("CREATE TABLE t (id int, changed timestamp DEFAULT clock_timestamp())")
    mapping = star(t=fact("SELECT * FROM t", "id changed", cursor="changed"))
    shift(own[0], (switch - datetime.now(UTC)).total_seconds() - 2)
    stars.source("INSERT INTO t VALUES (1)")
    stars.run(mapping)
    time.sleep(2)
    stars.source("INSERT INTO t VALUES (2)")
    ((falls,),) = stars.source("SELECT max(changed) FILTER (WHERE id = 2) < max(changed) FROM t")
    assert falls
    assert counts(stars.run(mapping), "t")["inserted"] == 1
    assert stars.warehouse("SELECT * FROM t ORDER BY id") == stars.source(
        "SELECT * FROM t ORDER BY id"
    )


def test_a_clock_that_is_set_back_loses_nothing(own, databases):
    """What is written then has a lower cursor than what was read, and the watermark would be above it."""
    shift(own[0], 3_600)
    query(databases.source_admin_url, TOUCH)
    run_here(databases)
    shift(own[0], 0)
    for n in range(2):
        change(databases, n)
        report = run_here(databases)
        assert any("was set back" in notice.text for notice in report.notices) == (n == 0)
        assert loaded(databases) == wanted(databases)
