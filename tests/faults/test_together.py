"""Several runs at once: one works, the others say which; and nobody has to wait for the dead."""

from __future__ import annotations

import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

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


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("several", [2, 5])
def test_of_several_runs_at_once_one_wins(several, fresh, databases, engine, tmp_path):
    if not fresh:
        run_here(databases)
        change(databases, several)
    mapping, known = gated_check(tmp_path / "gated.yml"), len(past(databases))
    with Gate(databases.warehouse_url) as gate:
        running = [engine(mapping=mapping) for _ in range(several)]
        wait_until(lambda: sum(one.running for one in running) == 1, "all but one have ended")
        gate.wait()
        (winner,) = (one for one in running if one.running)
        losers = [one for one in running if one is not winner]
        assert {one.wait() for one in losers} == {4}
        for one in losers:
            said = one.errors.splitlines()[-1]
            assert re.search(r"mapping 'shop' is being run already: .* try again later", said), said
        gate.open()
        assert winner.wait() == 0, winner.errors
    assert [run.status for run in past(databases)] == ["done"] * (known + 1)
    assert loaded(databases) == wanted(databases)


def test_who_comes_too_late_is_told_who_runs(databases, engine, tmp_path):
    with Gate(databases.warehouse_url) as gate:
        first = engine(mapping=gated_check(tmp_path / "gated.yml"))
        gate.wait()
        (run,) = past(databases)
        assert run.status == "running"
        second = engine()
        assert second.wait() == 4
        said = second.errors.splitlines()[-1]
        assert f"run {run.run_id} on " in said
        assert f"(process {first.pid})" in said
        gate.open()
        assert first.wait() == 0, first.errors
    assert [run.status for run in past(databases)] == ["done"]


@pytest.mark.parametrize("server", ["source", "warehouse"])
def test_a_statement_of_the_dead_does_not_hold_up_the_living(
    server, databases, engine, watch, tmp_path
):
    """Without a look after its client, the killed engine's statement would hold the lock to its end."""
    run_here(databases)
    change(databases, 1)
    before = content(databases)
    gated = gated_query if server == "source" else gated_check
    url = databases.source_url if server == "source" else databases.warehouse_url
    with Gate(url) as gate:
        running = engine(mapping=gated(tmp_path / "gated.yml"))
        gate.wait()
        running.interrupt(signal.SIGKILL)
        start = time.monotonic()
        assert run_here(databases).status == "done"  # at once, while the other still stands there
        assert time.monotonic() - start < 10
        watch.wait_for_silence()
        assert not gate.waiting()
    assert content(databases) != before
    assert loaded(databases) == wanted(databases)
    assert [run.status for run in past(databases)] == ["done", "died", "done"]


def test_a_source_that_is_lost_after_its_last_row_is_noticed_before_the_commit(
    databases, watch, tmp_path
):
    mapping = gated_check(tmp_path / "gated.yml")
    with Gate(databases.warehouse_url) as gate, ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_here, databases, mapping)
        gate.wait()
        assert watch.terminate("source", watch.sessions("source")) > 0
        gate.open()
        assert running.result().status == "done"
    ((attempt,),) = databases.query(databases.warehouse_url, "SELECT attempt FROM engine.run")
    assert attempt == 2
    assert loaded(databases) == wanted(databases)
