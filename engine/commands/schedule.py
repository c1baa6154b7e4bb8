"""engine schedule and engine health: run by a timetable, and say how that goes."""

from __future__ import annotations

import http.client
import logging
import signal
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from engine.commands.choice import Choice
from engine.commands.wire import cache_of, configured, environment, needed, selected
from engine.database import ledger
from engine.database.connect import Sessions, engine_for
from engine.database.history import Latest, latest
from engine.errors import EngineError, SettingsError
from engine.logs import bound
from engine.mapping.load import Loaded, load
from engine.report import Report
from engine.run import Options
from engine.run import run as do_run
from engine.schedule.loop import Clock, loop
from engine.schedule.metrics import Metrics
from engine.schedule.serve import serving
from engine.schedule.state import State
from engine.schedule.timetable import Timetable, timetable
from engine.settings import ConnectionSettings, settings_for
from engine.steplog import Log
from engine.values import dataclass

logger = logging.getLogger("engine.schedule")

PATIENCE = 5  # seconds for the answer of a health check


@dataclass(frozen=True, slots=True)
class How:
    """When runs are due, how long they may take in seconds, and where the measures are to be had.

    Without `tolerance` a run may take until the next one is due. `folder` is of the embedded databases.
    """

    cron: str
    zone: str
    grace: float
    tolerance: float | None
    metrics_address: str
    metrics_port: int
    folder: Path | None


@dataclass(frozen=True, slots=True)
class Job:
    """What is run each time: the mapping as it is in its file by then."""

    path: Path
    overrides: Mapping[str, str]
    choice: Choice
    environ: Mapping[str, str]
    name: str
    metrics: Metrics

    def __call__(self) -> None:
        """Run once; raises what a run raises."""
        loaded = load(self.path, self.overrides)
        if loaded.star.name != self.name:
            raise SettingsError(
                f"{self.path}: the mapping is called '{loaded.star.name}' now and was '{self.name}' "
                "when the schedule began: start it anew"
            )
        settings = settings_of(loaded, self.choice, self.environ)
        options = Options(selected(loaded.star, self.choice), *self.choice.how)
        run_id, cache = uuid.uuid4(), cache_of(loaded.star)
        with bound(run_id=str(run_id), mapping=self.name):
            do_run(loaded, settings, options, Following(self.metrics), run_id, cache)
        with suppress(KeyboardInterrupt):  # the star is published: nothing is to be rolled back
            self.look(settings["warehouse"])

    def look(self, warehouse: ConnectionSettings) -> Latest:
        """Ask the ledger for the watermarks, and for the newest run."""
        with Sessions() as sessions:
            connection = sessions.connect(engine_for(warehouse, read_only=True), autocommit=True)
            if ledger.version_of(connection):
                self.metrics.reached(ledger.progress_of(connection, self.name))
            return latest(connection, self.name)


class Following(Log):
    """Logs a run, and counts it."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def finished(self, report: Report) -> None:
        """Count what the run did."""
        super().finished(report)
        self._metrics.reported(report)


def settings_of(
    loaded: Loaded, choice: Choice, environ: Mapping[str, str]
) -> dict[str, ConnectionSettings]:
    """Return the settings of the connections that a run needs; SettingsError names all that are missing."""
    return settings_for(needed(loaded.star, selected(loaded.star, choice)), environ)


def schedule(
    path: Path,
    overrides: Mapping[str, str],
    choice: Choice,
    log: Mapping[str, str | None],
    how: How,
) -> None:
    """Run a mapping by a timetable until a signal ends it; logs go to stderr."""
    now = _now()
    table = timetable(how.cron, how.zone, now)
    loaded = load(path, overrides)
    configured(log, terminal=False)
    metrics = Metrics(loaded.star.name, _now)
    tolerance = None if how.tolerance is None else timedelta(seconds=how.tolerance)
    with environment(how.folder) as environ:
        job = Job(path, overrides, choice, environ, loaded.star.name, metrics)
        settings = settings_of(loaded, choice, environ)
        cache_of(loaded.star)  # what is wrong with it is said at once
        state = State(table, first(table, job, settings["warehouse"], now), _now, tolerance)
        address = how.metrics_address
        with (
            serving(address, how.metrics_port, metrics.registry, state.health) as port,
            bound(mapping=job.name),
        ):
            logger.info("/metrics and /healthz are at http://%s:%d", address, port)
            _obey(state, how.grace)
            try:
                loop(job, state, metrics, Clock(_now))
            except KeyboardInterrupt:
                logger.warning("stopped, and the run that was in flight was rolled back")
                raise click.exceptions.Exit(130) from None
            logger.info("stopped")


def first(table: Timetable, job: Job, warehouse: ConnectionSettings, now: datetime) -> datetime:
    """Return the first moment: the last one again, when no run has been published since."""
    try:
        past = job.look(warehouse)
    except EngineError as error:
        logger.warning("whether a run was missed cannot be found out: %s", error)
        return table.next(now)
    last = table.last(now)
    return last if past.any and (past.done is None or past.done < last) else table.next(now)


def _now() -> datetime:
    return datetime.now(UTC)


def _obey(state: State, grace: float) -> None:
    """Take SIGTERM and SIGINT: the run in flight may end within the grace; a second signal rolls it back."""

    def stop(_number: int, _frame: object) -> None:
        if state.stop.is_set() and state.running:
            raise KeyboardInterrupt
        state.stop.set()
        if state.running:
            logger.info("stopping: the run in flight has %g s to end", grace)
            signal.setitimer(signal.ITIMER_REAL, max(grace, 0.001))

    def give_up(_number: int, _frame: object) -> None:
        if state.running:
            raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGALRM, give_up)


def health(address: str, port: int) -> None:
    """Ask a schedule on this machine how it is; exits with 1 when it is not well."""
    url = f"http://{address}:{port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            click.echo(answer.read().decode().strip())
    except urllib.error.HTTPError as error:
        click.echo(error.read().decode().strip(), err=True)
        raise click.exceptions.Exit(1) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        said = str(getattr(reason, "strerror", None) or reason).lower()
        click.echo(
            f"no schedule answers at {url}: {said}; start one with `engine schedule`, or name its port "
            "with --metrics-port",
            err=True,
        )
        raise click.exceptions.Exit(1) from None
