"""The sessions of the engine are ended at random moments: the run is tried again, and right."""

from __future__ import annotations

import math
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from engine.run import Options
from tests.conftest import connect
from tests.faults.shop import change, loaded, past, run_here, wait_until, wanted

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
def test_a_run_whose_sessions_are_ended_is_tried_again_and_nobody_sees_half_of_it(
    server, kind, databases, empty_warehouse, watch
):
    seed = f"{server} {kind}"
    chance, hits, told = random.Random(seed), 0, ""
    start = time.monotonic()
    run_here(databases, options=KINDS[kind])
    duration = time.monotonic() - start
    for n in range(4 * MOMENTS):
        if hits == MOMENTS:
            break
        if kind == "first":
            empty_warehouse(databases)
        change(databases, n)
        moment = duration * (hits + chance.random()) / MOMENTS
        told, known = f"seed '{seed}', {moment:.3f} of {duration:.3f} s", len(past(databases))
        reader = Reader(databases.warehouse_url)
        try:
            report, hit, lasted = disturbed(databases, KINDS[kind], watch, (server, moment, chance))
        finally:
            between = reader.end()
        hits += hit
        duration = min(duration, lasted)
        assert not between, told
        assert report.status == "done", told
        assert loaded(databases) == wanted(databases), told
        newest, *others = past(databases)
        assert (newest.status, newest.error, len(others)) == ("done", None, known), told
    assert hits == MOMENTS, told


def disturbed(databases, options, watch, fault):
    """End one session of a run or all, some seconds after it began; return how that went."""
    server, moment, chance = fault
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_here, databases, options=options)
        wait_until(lambda: watch.sessions(server) or running.done(), "the engine has connected")
        start = time.monotonic()
        while not running.done() and (rest := start + moment - time.monotonic()) > 0:
            time.sleep(min(0.01, rest))
        lasted = time.monotonic() - start if running.done() else math.inf
        pids = watch.sessions(server)
        chosen = chance.choice([pids, *([pid] for pid in pids)])
        hit = watch.terminate(server, chosen) > 0
        return running.result(), hit, lasted
