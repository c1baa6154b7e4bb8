"""The profile `schedule`: the star is loaded by a timetable, and the host of the stack hears how it goes."""

from __future__ import annotations

import pytest

from tests.compose.stack import add_orders, assert_star_is_right, docker, listens, until

PORT = 9464
MEASURE = """
import urllib.request as u; print(u.urlopen("http://scheduler:9464/metrics", timeout=5).read().decode())
"""


@pytest.fixture
def scheduled(fresh):
    fresh.set(SCHEDULE_CRON="'*/2 * * * * *'", SCHEDULE_TIMEZONE="Europe/Amsterdam")
    fresh.up()
    fresh("--profile", "schedule", "up", "--detach", "scheduler")
    return fresh


def health(stack):
    return stack.inspect("scheduler")["State"]["Health"]["Status"]


def orders(stack):
    return int(stack.value("warehouse", "SELECT count(*) FROM fact_orders"))


def test_the_star_follows_the_source_by_itself(scheduled):
    until("health", lambda: health(scheduled) == "healthy")
    wanted = orders(scheduled) + 5
    add_orders(scheduled, 5)
    until("the new orders", lambda: orders(scheduled) == wanted)
    # Whoever is on the network may look; the host has no port.
    asked = ("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "python", "etl", "-c", MEASURE)
    measured = scheduled.try_(*asked)
    assert measured.code == 0, measured.text
    assert 'engine_runs_total{mapping="star",status="done"}' in measured.out
    assert 'engine_watermark_lag_seconds{entry="fact_orders",mapping="star"}' in measured.out
    assert not scheduled.inspect("scheduler")["NetworkSettings"]["Ports"].get(f"{PORT}/tcp")
    assert not listens(PORT)
    # A source that is stopped makes it unhealthy, and one that is back makes it well again.
    scheduled("stop", "source-db")
    scheduled.set(SCHEDULE_CRON="'*/2 * * * * *'")
    until("the failure is seen", lambda: health(scheduled) == "unhealthy")
    scheduled("start", "source-db")
    until("it is well again", lambda: health(scheduled) == "healthy")
    assert_star_is_right(scheduled)
    # It ends by itself, and says so.
    scheduled("--profile", "schedule", "stop", "scheduler")
    assert scheduled.inspect("scheduler")["State"]["ExitCode"] == 0
    assert '"message": "stopped"' in scheduled("--profile", "schedule", "logs", "scheduler")


def test_it_is_confined_and_limited_like_the_others(scheduled):
    found = scheduled.inspect("scheduler")["HostConfig"]
    assert (found["NanoCpus"], found["Memory"], found["PidsLimit"]) == (10**9, 256 * 2**20, 64)
    assert (found["CapDrop"], found["SecurityOpt"]) == (["ALL"], ["no-new-privileges:true"])
    assert found["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    shown = docker("inspect", scheduled.container("scheduler"))
    assert not [name for name, value in scheduled.passwords.items() if value in shown]
