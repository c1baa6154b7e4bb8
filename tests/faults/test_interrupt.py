"""A run hears Ctrl-C and SIGTERM at once, wherever it waits, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from functools import partial

import pytest

import engine.commands.run as command
import engine.run as running_module
from engine import retry
from engine.cli import main
from engine.database import ledger
from engine.database.connect import Sessions
from engine.database.publish import Publication, UnknownOutcomeError
from engine.errors import RunError
from engine.listener import Silent
from engine.mapping.load import load
from engine.run import run
from engine.settings import settings_for
from tests.conftest import connect
from tests.faults.shop import (
    ROOT,
    SHOP,
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

SOON = 3  # seconds: 2 on a machine that has nothing else to do
SIGNALS = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture
def at_a_gate(request, databases, tmp_path):
    """Give a gate, and a mapping whose run waits there: in its last check, or in a query of the source."""
    checked = request.param == "check"
    mapping = (gated_check if checked else gated_query)(tmp_path / "gated.yml")
    with Gate(databases.warehouse_url if checked else databases.source_url) as gate:
        yield gate, mapping


@contextmanager
def locked(url, table):
    """Hold a lock that nobody can pass."""
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def assert_ended_well(databases, watch, running, before):
    """The exit code, the last word, the servers, the star and the ledger all say that it was interrupted."""
    assert running.wait() == 130, running.errors
    assert running.errors.endswith("\ninterrupted: nothing was published\n"), running.errors
    assert watch.silent()
    assert content(databases) == before
    newest = past(databases)[0]
    assert (newest.status, newest.error) == ("failed", "interrupted")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("at_a_gate", ["check", "query"], indirect=True)
def test_a_statement_that_runs_is_cancelled(number, at_a_gate, databases, engine, watch):
    run_here(databases)
    change(databases, 1)
    before = content(databases)
    gate, mapping = at_a_gate
    running = engine(mapping=mapping)
    gate.wait()
    assert running.interrupt(number) < SOON
    assert_ended_well(databases, watch, running, before)
    run_here(databases)
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize(
    ("server", "table"),
    [("source", "orders"), ("warehouse", "fact_orders"), ("warehouse", "engine.watermark")],
)
def test_a_statement_that_waits_for_a_lock_is_cancelled(server, table, databases, engine, watch):
    run_here(databases)
    change(databases, 1)
    before = content(databases)
    urls = {"source": databases.source_admin_url, "warehouse": databases.warehouse_admin_url}
    with locked(urls[server], table):
        running = engine()
        wait_until(lambda: watch.sessions(server, "wait_event_type = 'Lock'"), "it waits")
        assert running.interrupt(signal.SIGTERM) < SOON
        wait_until(watch.silent, "the engine's sessions have ended", 1)
    assert_ended_well(databases, watch, running, before)
    assert watch.locks() == []
    run_here(databases)
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize("at_a_gate", ["check"], indirect=True)
def test_whoever_is_impatient_leaves_nothing_behind_either(at_a_gate, databases, engine, watch):
    gate, mapping = at_a_gate
    running = engine(mapping=mapping)
    gate.wait()
    start = time.monotonic()
    while running.running:
        running.signal(signal.SIGINT)
        time.sleep(0.02)
        assert time.monotonic() - start < SOON
    assert running.wait() in {130, -signal.SIGINT}, running.errors
    wait_until(watch.silent, "the engine's sessions have ended", 1)
    assert past(databases)[0].status == "failed"


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("at_a_gate", ["check"], indirect=True)
def test_the_command_itself_ends_so(number, at_a_gate, databases, watch):
    gate, mapping = at_a_gate
    with subprocess.Popen(
        [sys.executable, "-m", "engine", "run", str(mapping)],
        cwd=ROOT,
        env=os.environ | databases.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        gate.wait()
        process.send_signal(number)
        output, errors = process.communicate(timeout=SOON)
    assert (process.returncode, output) == (130, ""), errors
    assert errors.endswith("\ninterrupted: nothing was published\n")
    assert watch.silent()


def test_waiting_for_the_next_attempt_is_interrupted(databases, engine, watch):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        nobody = taken.getsockname()[1]
    url = databases.source_url.replace(f":{databases.source.port}/", f":{nobody}/")
    running = engine(SOURCE_URL=url)
    wait_until(lambda: "attempt 2 of" in running.errors, "the second attempt has failed")
    assert running.interrupt(signal.SIGTERM) < 1
    assert running.wait() == 130, running.errors
    assert watch.silent()
    assert past(databases)[0].status == "failed"


class Ended(Silent):
    """Hears how the run ended."""

    def finished(self, report):
        self.report = report


MOMENTS = [
    (Publication, "commit"),
    (Sessions, "close"),
    (running_module, "_published"),
    (Ended, "finished"),
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_after_the_publication_does_not_deny_it(moment, databases, monkeypatch):
    """The signal comes right after the answer to COMMIT, or when the run has only to tell of it."""
    kind, name = moment
    work = getattr(kind, name)

    def interrupted(*arguments):
        found = work(*arguments)
        if kind is Publication or threading.current_thread() is threading.main_thread():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)  # that the main thread hears it before this one goes on
        return found

    ready, listener = load(SHOP), Ended()
    settings = settings_for(ready.star.connections, databases.environment)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(kind, name, interrupted)
        assert run(ready, settings, None, listener).status == "done"
    finally:
        signal.signal(signal.SIGINT, handler)
        monkeypatch.undo()
    assert listener.report.status == "done"
    assert loaded(databases) == wanted(databases)
    assert past(databases)[0].status == "done"


@pytest.mark.parametrize("moment", ["connected", "_tell"])
def test_an_interrupt_of_the_command_after_the_publication_does_not_deny_it(
    moment, databases, monkeypatch, capsys
):
    """The signal comes when the databases of the demo are being stopped, or the report is printed."""
    real = command.connected

    @contextmanager
    def stopped(*arguments):
        with real(*arguments) as settings:
            yield settings
        raise KeyboardInterrupt

    def unheard(_report):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, moment, stopped if moment == "connected" else unheard)
    for name, value in databases.environment.items():
        monkeypatch.setenv(name, value)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["run", str(SHOP)]) == 130
    finally:
        signal.signal(signal.SIGTERM, handler)
    said = "interrupted: the star was published before that; `engine history` lists the run"
    assert capsys.readouterr().err.splitlines()[-1] == said
    assert past(databases)[0].status == "done"


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("end", ["signal", "signal in the next attempt", "no connection"])
def test_a_run_in_doubt_claims_nothing(published, end, databases, monkeypatch):
    """The answer to COMMIT was lost, and the run ends before the ledger could be asked (TRAPS 42)."""
    lost = "the answer to COMMIT was lost"
    commit, migrate = Publication.commit, ledger.migrate

    def without_answer(self, *arguments):
        if published:
            commit(self, *arguments)
        raise UnknownOutcomeError(lost, transient=True)

    def refused(main_connection):
        if past(databases):
            if end != "no connection":
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.05)
            raise RunError("cannot connect")
        migrate(main_connection)

    def interrupted(_seconds):
        if end == "signal":
            raise KeyboardInterrupt

    ready, listener = load(SHOP), Ended()
    settings = settings_for(ready.star.connections, databases.environment)
    monkeypatch.setattr(retry, "retrying", partial(retry.retrying, sleep=interrupted))
    monkeypatch.setattr(Publication, "commit", without_answer)
    monkeypatch.setattr(ledger, "migrate", refused)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(RunError) as raised:
            run(ready, settings, None, listener)
    finally:
        signal.signal(signal.SIGINT, handler)
        monkeypatch.undo()
    wanted_end = f"cannot connect; before that, {lost}" if end == "no connection" else lost
    assert str(raised.value) == listener.report.error == wanted_end
    assert past(databases)[0].status == ("done" if published else "failed")
