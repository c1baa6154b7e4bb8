"""The web server of the schedule, asked over TCP."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Gauge

from engine.errors import SettingsError
from engine.schedule.serve import serving


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_it_tells_health_and_measures_as_they_are_now():
    registry, health = CollectorRegistry(), [True, "running"]
    gauge = Gauge("some_measure", "What it is", registry=registry)
    with serving("127.0.0.1", 0, registry, lambda: (health[0], health[1])) as port:
        assert get(port, "/healthz") == (200, "running\n")
        health[:] = False, "the last run failed: é"
        assert get(port, "/healthz") == (503, "the last run failed: é\n")
        gauge.set(42)
        status, text = get(port, "/metrics")
        assert (status, "\nsome_measure 42.0\n" in text) == (200, True)
        assert get(port, "/else")[0] == 404


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = f"--metrics-port: cannot listen on 127.0.0.1:{port}: address already in use"
        with (
            pytest.raises(SettingsError, match=said),
            serving("127.0.0.1", port, CollectorRegistry(), lambda: (True, "")),
        ):
            pass
