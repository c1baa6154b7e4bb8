"""What the schedule does as time passes; the clock is the test's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from engine.errors import CheckFailedError, LockedError, RunError, SettingsError
from engine.plan.progress import Mark, Progress
from engine.plan.quality import Verdict
from engine.report import EntryReport, Report
from engine.schedule.loop import Clock, loop
from engine.schedule.metrics import Metrics
from engine.schedule.state import State
from engine.schedule.timetable import timetable

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOURLY = timetable("0 * * * *", "UTC", START)


class World:
    """A schedule whose time passes only when it sleeps, or as a run says."""

    def __init__(self, *runs, due=START + timedelta(hours=1), tolerance=None):
        self.time = START
        self.runs = list(runs)
        self.began = []
        self.state = State(HOURLY, due, lambda: self.time, tolerance)
        self.metrics = Metrics("star", lambda: self.time)

    def sleep(self, seconds):
        self.time += timedelta(seconds=max(seconds, 60))  # a minute is as good as half a second

    def run(self):
        self.began.append(self.time.strftime("%H:%M"))
        took, failure = self.runs.pop(0)
        self.time += timedelta(minutes=took)
        if not self.runs:
            self.state.stop.set()
        if failure:
            raise failure

    def go(self):
        loop(self.run, self.state, self.metrics, Clock(lambda: self.time, self.sleep))
        return self

    def measured(self, name):
        """Return the values of a metric by the values of its labels."""
        families = text_string_to_metric_families(generate_latest(self.metrics.registry).decode())
        return {
            tuple(v for k, v in sorted(sample.labels.items()) if k != "mapping"): sample.value
            for family in families
            for sample in family.samples
            if sample.name == name
        }


WELL = (1, None)


def test_it_runs_whenever_it_is_due():
    world = World(WELL, WELL, WELL).go()
    assert world.began == ["13:00", "14:00", "15:00"]
    assert world.state.due == START + timedelta(hours=4)
    assert world.measured("engine_missed_runs_total") == {(): 0}
    assert world.measured("engine_next_run_timestamp_seconds") == {
        (): (START + timedelta(hours=3)).timestamp()
    }


def test_moments_that_pass_during_a_long_run_are_caught_up_once():
    world = World((150, None), WELL, WELL).go()
    assert world.began == ["13:00", "15:30", "16:00"]
    assert world.measured("engine_missed_runs_total") == {
        (): 1
    }  # that of 14:00 ran late, 15:00 not


def test_a_machine_that_slept_catches_up_once():
    world = World(WELL, WELL)
    naps = iter([0.5, 5 * 3600])
    world.sleep = lambda _: setattr(world, "time", world.time + timedelta(seconds=next(naps, 60)))
    world.go()
    assert world.began == ["17:00", "18:00"]
    assert world.measured("engine_missed_runs_total") == {(): 4}


def test_what_was_due_before_the_start_is_caught_up_at_once():
    world = World(WELL, WELL, due=START - timedelta(hours=2)).go()
    assert world.began == ["12:00", "13:00"]


@pytest.mark.parametrize(
    ("failure", "status", "sentence"),
    [
        (RunError("the source is gone"), "failed", "the last run failed: the source is gone"),
        (CheckFailedError("3 rows"), "failed", "the last run failed: 3 rows"),
        (SettingsError("no name"), "invalid", "the last run failed: no name"),
        (LockedError("another run"), "locked", None),
    ],
)
def test_a_run_that_fails_ends_nothing(failure, status, sentence):
    world = World((1, failure), WELL).go()
    assert world.began == ["13:00", "14:00"]
    assert world.measured("engine_runs_total")["done",] == 1
    assert world.measured("engine_runs_total")[status,] == 1
    world = World((1, failure))
    world.go()
    well, said = world.state.health()
    assert (well, said) == ((True, "stopping") if sentence is None else (False, sentence))


def test_a_bug_ends_it():
    with pytest.raises(ZeroDivisionError):
        World((1, ZeroDivisionError())).go()


def test_nothing_runs_after_the_stop():
    world = World(WELL)
    world.state.stop.set()
    assert world.go().began == []
    world = World(WELL)
    world.sleep = lambda _: world.state.stop.set()
    assert world.go().began == []


@pytest.mark.parametrize(
    ("minutes", "running", "tolerance", "well"),
    [
        (-1, False, None, True),
        (1, False, None, True),
        (59, True, None, True),
        (61, True, None, False),
        (61, False, None, False),
        (61, True, timedelta(hours=2), True),
        (3, True, timedelta(minutes=2), False),
    ],
)
def test_what_is_overdue_is_not_well(minutes, running, tolerance, well):
    world = World(tolerance=tolerance)
    world.time = world.state.due + timedelta(minutes=minutes)
    world.state.running = running
    found, said = world.state.health()
    assert found == well
    assert said.startswith("overdue: the run that was due at 2026-03-01 13:00:00+00:00") != well


def test_a_run_that_is_well_again_is_forgiven():
    world = World((1, RunError("gone")), WELL)
    world.go()
    world.state.stop.clear()
    assert world.state.health() == (
        True,
        "waiting: the next run is due at 2026-03-01 15:00:00+00:00",
    )


def test_what_a_run_did_is_counted():
    world = World()
    entries = (EntryReport("dim", read=5, inserted=3, unchanged=2), EntryReport("fact", read=7))
    verdict = Verdict("dim", "not_null", "", "warn", 1, 5)
    world.metrics.reported(Report("id", "star", "done", 1.0, entries, (verdict,)))
    world.metrics.reported(Report("id", "star", "failed", 1.0, entries, (verdict,)))
    rows = world.measured("engine_rows_total")
    assert (rows["inserted", "dim"], rows["read", "dim"], rows["read", "fact"]) == (3, 5, 7)
    assert world.measured("engine_checks_total") == {("warn",): 2}
    assert world.measured("engine_last_success_timestamp_seconds") == {(): START.timestamp()}


def test_the_age_of_a_watermark_grows():
    world = World()
    moment = int((START - timedelta(minutes=5)).timestamp() * 1_000_000)
    world.metrics.reached({"fact": Progress(Mark(moment, "7")), "new": Progress(None)})
    assert world.measured("engine_watermark_lag_seconds") == {("fact",): 300}
    world.time += timedelta(minutes=1)
    assert world.measured("engine_watermark_lag_seconds") == {("fact",): 360}
