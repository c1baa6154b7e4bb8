"""`engine schedule` as a process: what it loads, what it survives, what it tells, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Self

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import query
from tests.faults.shop import (
    ROOT,
    SHOP,
    Gate,
    change,
    content,
    gated_check,
    loaded,
    past,
    run_here,
    wait_until,
    wanted,
)

EACH_SECOND = "* * * * * *"
NEVER = "0 0 1 1 *"  # not while the test lasts, and it was due last at New Year


class Schedule:
    """`engine schedule` on the databases of a test; leaving the context kills it if it still runs."""

    def __init__(self, databases, folder, *arguments, mapping=SHOP, cron=EACH_SECOND):
        self._log = folder / "schedule.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "engine", "schedule", str(mapping)),
                    *("--cron", cron, "--metrics-port", "0", *arguments),
                ],
                cwd=ROOT,
                env={**os.environ, **databases.environment, "LOG_FORMAT": "json"},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    @property
    def lines(self):
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def said(self, text):
        return any(text in line["message"] for line in self.lines)

    def wait_for(self, text):
        wait_until(lambda: self.said(text), f"'{text}' is in {self._log.read_text()}")

    def get(self, path):
        self.wait_for("/healthz are at")
        (port,) = re.findall(r"are at http://127.0.0.1:(\d+)", self.lines[0]["message"])
        self.port = port
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def runs(self, status):
        """Return how many runs have ended so, as Prometheus sees it."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        return next(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "engine_runs_total" and sample.labels["status"] == status
        )

    def wait(self):
        return self.process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def test_what_comes_is_loaded_and_an_edit_takes_effect(databases, tmp_path):
    mapping = tmp_path / "shop.yml"
    mapping.write_text(SHOP.read_text())
    with Schedule(databases, tmp_path, mapping=mapping) as schedule:
        wait_until(lambda: schedule.runs("done") >= 1, "the first run is done")
        assert loaded(databases) == wanted(databases)
        change(databases, 1)
        done = schedule.runs("done")
        wait_until(lambda: schedule.runs("done") >= done + 2, "a run has seen the change")
        assert loaded(databases) == wanted(databases)
        mapping.write_text(SHOP.read_text().replace("grain:", "grian:"))
        wait_until(lambda: schedule.get("/healthz")[0] == 503, "the mapping is found to be broken")
        assert "the last run failed: " in schedule.get("/healthz")[1]
        assert "did you mean 'grain'" in schedule.get("/healthz")[1]
        health = [sys.executable, "-m", "engine", "health", "--metrics-port", schedule.port]
        asked = subprocess.run(health, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (asked.returncode, asked.stdout) == (1, "")
        assert "the last run failed: " in asked.stderr
        mapping.write_text(SHOP.read_text())
        wait_until(lambda: schedule.get("/healthz")[0] == 200, "the mended mapping is run")
        asked = subprocess.run(health, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (asked.returncode, asked.stderr) == (0, "")
        schedule.process.send_signal(signal.SIGTERM)
        assert schedule.wait() == 0
        assert schedule.said("stopped")
    ids = {line.get("run_id") for line in schedule.lines if line["message"] == "run done"}
    assert {run.run_id for run in past(databases) if run.status == "done"} == ids


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_run_in_flight_end(number, databases, tmp_path):
    mapping = gated_check(tmp_path / "gated.yml")
    with (
        Gate(databases.warehouse_url) as gate,
        Schedule(databases, tmp_path, "--grace", "60", mapping=mapping) as schedule,
    ):
        gate.wait()
        schedule.process.send_signal(number)
        schedule.wait_for("stopping: the run in flight has 60 s to end")
        gate.open()
        assert schedule.wait() == 0
    assert [run.status for run in past(databases)] == ["done"]
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize(("grace", "signals"), [("0.2", 1), ("60", 2)])
def test_a_run_that_does_not_end_is_rolled_back(grace, signals, databases, tmp_path):
    run_here(databases)
    change(databases, 1)
    before = content(databases)
    mapping = gated_check(tmp_path / "gated.yml")
    with (
        Gate(databases.warehouse_url) as gate,
        Schedule(databases, tmp_path, "--grace", grace, mapping=mapping) as schedule,
    ):
        gate.wait()
        schedule.process.send_signal(signal.SIGTERM)
        schedule.wait_for("stopping: the run in flight has")
        if signals == 2:
            schedule.process.send_signal(signal.SIGTERM)
        assert schedule.wait() == 130
        assert schedule.said("the run that was in flight was rolled back")
    assert content(databases) == before
    assert [run.status for run in past(databases)] == ["failed", "done"]


def test_the_run_of_another_is_no_failure(databases, engine, tmp_path):
    with Gate(databases.warehouse_url) as gate:
        other = engine(mapping=gated_check(tmp_path / "gated.yml"))
        gate.wait()
        with Schedule(databases, tmp_path) as schedule:
            wait_until(lambda: schedule.runs("locked") >= 1, "the lock is seen")
            assert schedule.get("/healthz")[0] == 200
            gate.open()
            assert other.wait() == 0
            wait_until(lambda: schedule.runs("done") >= 1, "the lock is gone")
            assert schedule.runs("failed") == 0


def test_a_run_that_fails_is_followed_by_others(databases, tmp_path):
    query(databases.source_admin_url, "ALTER TABLE users RENAME TO people")
    with Schedule(databases, tmp_path) as schedule:
        wait_until(lambda: schedule.get("/healthz")[0] == 503, "a run has failed")
        assert 'relation "users" does not exist' in schedule.get("/healthz")[1]
        query(databases.source_admin_url, "ALTER TABLE people RENAME TO users")
        wait_until(lambda: schedule.get("/healthz")[0] == 200, "a run is well again")
        wait_until(lambda: schedule.runs("done") >= 1, "a run is done")


@pytest.mark.parametrize(
    ("began", "runs"), [(None, 0), ("'2020-01-01'", 1), ("'2020-01-01', status = 'failed'", 1)]
)
def test_what_was_missed_while_nobody_was_there_is_caught_up_once(began, runs, databases, tmp_path):
    run_here(databases)
    if began:
        query(databases.warehouse_url, f"UPDATE engine.run SET started_at = {began}")
    with Schedule(databases, tmp_path, cron=NEVER) as schedule:
        schedule.wait_for("the next run is due at ")
        assert schedule.said("is caught up") == bool(runs)
        assert schedule.runs("done") == runs
    assert len(past(databases)) == 1 + runs


def test_a_warehouse_without_a_past_has_missed_nothing(databases, tmp_path):
    with Schedule(databases, tmp_path, cron=NEVER) as schedule:
        schedule.wait_for("the next run is due at ")
        assert schedule.runs("done") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cron", "each hour"), "--cron: 'each hour': wrong number of fields"),
        (("--cron", "0 * * * *", "--timezone", "Mars"), "there is no time zone 'Mars'"),
        ((), "missing option '--cron'"),
        (("--cron", "0 * * * *", "no.yml"), "no.yml"),
        (("--cron", "0 * * * *"), "SOURCE_HOST"),
    ],
)
def test_what_is_wrong_at_the_start_ends_it(arguments, said, tmp_path):
    hidden = ("SOURCE_", "WAREHOUSE_", "SCHEDULE_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    done = subprocess.run(
        [sys.executable, "-m", "engine", "schedule", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_at_the_port_is_not_well():
    health = [sys.executable, "-m", "engine", "health", "--metrics-port", "1"]
    asked = subprocess.run(health, cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.returncode == 1
    assert asked.stderr == (
        "no schedule answers at http://127.0.0.1:1/healthz: connection refused; start one with "
        "`engine schedule`, or name its port with --metrics-port\n"
    )
