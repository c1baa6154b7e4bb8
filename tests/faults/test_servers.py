"""A server stops or crashes during a run and comes back: the run is tried again, and right."""

from __future__ import annotations

import os
import signal
import time

import pytest

from engine.database.embedded import Embedded
from engine.database.embedded.account import account
from engine.database.embedded.postmaster import Postmaster
from engine.run import Options
from tests.conftest import postgres, some_folder
from tests.faults.conftest import fresh, grown
from tests.faults.shop import (
    Moments,
    answering,
    change,
    disturbed,
    loaded,
    past,
    run_here,
    wait_until,
    wanted,
)

AWAY = 0.3  # seconds for which a server that was stopped stays away
EVERYTHING = Options(full_refresh=True)


@pytest.fixture(scope="module")
def own():
    """Servers of our own, to be stopped at will, and the shop on one of them."""
    with some_folder() as folder:
        embedded = Embedded(folder, sync=False, **postgres())
        embedded.start()
        yield embedded, grown(embedded.source)


@pytest.fixture
def databases(own):
    embedded, shop = own
    with fresh(shop, embedded.warehouse) as found:
        yield found


def stopped(embedded, server, number):
    """Stop a server as `pg_ctl stop` does, or kill it, and start it after a while."""
    postmaster = Postmaster((server.folder / "data").resolve(), account())
    os.kill(postmaster.pid(), number)
    wait_until(lambda: postmaster.pid() is None, "the server has stopped")
    time.sleep(AWAY)
    embedded.start()
    return True


def crashed(pid):
    """Kill the process of a session, whereupon the server ends all others, recovers and goes on."""
    os.kill(pid, signal.SIGKILL)
    return True


@pytest.mark.parametrize("server", ["source", "warehouse"])
@pytest.mark.parametrize(
    ("how", "number"), [("immediate", 2), ("fast", 1), ("crash", 2), ("killed", 1)]
)
def test_a_server_that_stops_and_comes_back_costs_an_attempt_and_nothing_else(
    server, how, number, own, databases
):
    found = getattr(databases, server)
    start = time.monotonic()
    run_here(databases, options=EVERYTHING)
    moments = Moments(f"{server} {how}", number, time.monotonic() - start)

    def fault(pids):
        if how == "crash":
            return crashed(moments.chance.choice(pids)) if pids else False
        signals = {"immediate": signal.SIGQUIT, "fast": signal.SIGINT, "killed": signal.SIGKILL}
        return stopped(own[0], found, signals[how])

    for n in moments:
        change(databases, n)
        known = len(past(databases))
        assert disturbed(databases, EVERYTHING, server, moments, fault).status == "done", moments
        # What hit the server late, when the run needed it no more, may keep it from us.
        wait_until(lambda: answering(found.admin_url()), f"the {server} answers again")
        assert loaded(databases) == wanted(databases), moments
        newest, *others = past(databases)
        assert (newest.status, newest.error, len(others)) == ("done", None, known), moments
