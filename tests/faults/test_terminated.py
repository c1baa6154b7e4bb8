"""The sessions of the engine are ended at random moments: the run is tried again, and right."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from engine.run import Options
from tests.conftest import connect
from tests.faults.shop import (
    Gate,
    Moments,
    change,
    content,
    disturbed,
    gated_check,
    loaded,
    past,
    run_here,
    wanted,
)

MOMENTS = 7  # of each server in each kind of run, that is, 21 of each server
KINDS = {"first": Options(), "everything": Options(full_refresh=True), "changes": Options()}

# Something of every table of the star and of the watermarks, in one statement, that is, of one moment.
GLIMPSE = """
SELECT (SELECT (count(*), sum(quantity), max(order_id)) FROM fact_orders)::text,
       (SELECT sum(hashtextextended(city, 0)) FROM dim_users)::text,
       (SELECT sum(hashtextextended(category, 0)) FROM dim_products)::text,
       (SELECT string_agg(concat(entry, high, run_id), ' ' ORDER BY entry, moment)
        FROM engine.watermark)
"""


class Reader:
    """Looks at the star again and again while it is loaded, as its users do."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url, autocommit=True)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self.before = self.look()
        self.seen = set()
        self._thread.start()

    def look(self):
        """Return a glimpse of the star, None when there is none."""
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(GLIMPSE)
            except psycopg2.errors.UndefinedTable:
                return None
            return cursor.fetchone()

    def _look_on(self):
        while not self._over.wait(0.03):
            self.seen.add(self.look())

    def end(self):
        """Look for the last time and return everything that was ever seen between before and after."""
        self._over.set()
        self._thread.join()
        after = self.look()
        self._connection.close()
        return self.seen - {self.before, after}


@pytest.mark.parametrize("server", ["source", "warehouse"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("quick_retries")
def test_a_run_whose_sessions_are_ended_is_tried_again_and_nobody_sees_half_of_it(
    server, kind, databases, empty_warehouse, watch
):
    start = time.monotonic()
    run_here(databases, options=KINDS[kind])
    moments = Moments(f"{server} {kind}", MOMENTS, time.monotonic() - start)

    def fault(pids):
        """End one session or all."""
        return watch.terminate(server, moments.chance.choice([pids, *([pid] for pid in pids)])) > 0

    for n in moments:
        if kind == "first":
            empty_warehouse(databases)
        change(databases, n)
        known = len(past(databases))
        reader = Reader(databases.warehouse_url)
        try:
            report = disturbed(databases, KINDS[kind], server, moments, fault)
        finally:
            between = reader.end()
        assert not between, moments
        assert report.status == "done", moments
        assert loaded(databases) == wanted(databases), moments
        newest, *others = past(databases)
        assert (newest.status, newest.error, len(others)) == ("done", None, known), moments


@pytest.mark.parametrize("server", ["source", "warehouse"])
@pytest.mark.usefixtures("quick_retries")
def test_each_session_by_itself_can_be_ended(server, databases, watch, tmp_path):
    """Right before the commit: those that the run still needs cost an attempt, the others nothing."""
    run_here(databases)
    mapping, number = gated_check(tmp_path / "gated.yml"), 0
    while True:
        change(databases, number)
        before = content(databases)
        with Gate(databases.warehouse_url) as gate, ThreadPoolExecutor(1) as pool:
            running = pool.submit(run_here, databases, mapping)
            gate.wait()
            sessions = watch.sessions(server)
            last = number == len(sessions) - 1
            assert watch.terminate(server, [sessions[number]]) == 1
            assert content(databases) == before
            gate.open()
            assert running.result().status == "done"
        assert loaded(databases) == wanted(databases), number
        assert past(databases)[0].status == "done"
        number += 1
        if last:
            break
    assert number >= 3
