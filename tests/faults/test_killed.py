"""The process of the engine is ended at random moments: the warehouse is as before or as after."""

from __future__ import annotations

import signal
import time

import pytest

from tests.faults.shop import (
    Moments,
    change,
    content,
    loaded,
    past,
    run_here,
    wait_until,
    wanted,
)

# Of a kill in each kind of run 17, that is 51; of the two that are heard, 6, that is 18 of each.
MOMENTS = {signal.SIGKILL: 17, signal.SIGTERM: 6, signal.SIGINT: 6}
KINDS = {"first": (), "everything": ("--full-refresh",), "changes": ()}
# The exit code of an engine that was ended by a signal, and what the ledger says of its run.
ENDS = {
    signal.SIGKILL: (-signal.SIGKILL, "died"),
    signal.SIGTERM: (130, "failed"),
    signal.SIGINT: (130, "failed"),
}


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_ended_leaves_the_warehouse_as_before_or_as_after(
    number, kind, databases, empty_warehouse, engine, watch
):
    duration = undisturbed(engine, watch, KINDS[kind])
    moments, stopped = Moments(f"{number.name} {kind}", MOMENTS[number], duration), 0
    for n in moments:
        if kind == "first":
            empty_warehouse(databases)
        change(databases, n)
        before, known = content(databases), {run.run_id for run in past(databases)}
        ended = signalled(engine, watch, KINDS[kind], number, moments)
        statuses = [run.status for run in past(databases) if run.run_id not in known]
        told = f"{moments}: {statuses}\n{ended.errors}"
        stopped += was_stopped(databases, before, (ended.wait(), statuses), number, told)
        run_here(databases)
        assert past(databases)[0].status == "done", told
        assert loaded(databases) == wanted(databases), told
    assert stopped >= MOMENTS[number] // 2, f"most signals came too late: {moments}"


def undisturbed(engine, watch, arguments):
    """Return for how long a run is connected."""
    running = engine(*arguments)
    wait_until(watch.begun, "the engine has connected")
    start = time.monotonic()
    watch.wait_for_silence()
    connected = time.monotonic() - start
    assert running.wait() == 0, running.errors
    return connected


def signalled(engine, watch, arguments, number, moments):
    """Signal an engine at a moment after it has connected, and return it ended."""
    watch.wait_for_silence()  # a session of the run before is not yet gone: it would pass for one of this run
    running = engine(*arguments)
    wait_until(lambda: watch.begun() or not running.running, "the engine has connected")
    start = time.monotonic()
    while (under_way := watch.begun()) and (rest := start + moments.moment - time.monotonic()) > 0:
        time.sleep(min(0.01, rest))
    if under_way:
        moments.hit()
    else:
        moments.missed(time.monotonic() - start)
    running.signal(number)
    running.wait()
    watch.wait_for_silence()
    return running


def was_stopped(databases, before, found, number, told):
    """Judge exit code, ledger and warehouse together; return whether the run was stopped."""
    code, statuses = found
    expected, status = ENDS[number]
    if statuses == ["done"]:
        assert loaded(databases) == wanted(databases), told
        assert code in {0, expected, -number}, told  # Python, too, takes some time to end
        return False
    assert content(databases) == before, told
    assert code == expected, told
    assert statuses in ([], [status]), told
    return True
