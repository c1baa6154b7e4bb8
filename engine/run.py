"""Do it: one run of a mapping, published in one transaction or not at all."""

from __future__ import annotations

import itertools
import logging
import math
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine import retry
from engine.database import ledger
from engine.database.connect import Sessions, engine_for, execute
from engine.database.failure import sentence
from engine.database.publish import Publication, drop_stages
from engine.database.source import Snapshot, origin
from engine.database.staging import WORKERS, Staged, Staging
from engine.database.survey import survey
from engine.errors import EngineError, RunError
from engine.logs import redact
from engine.mapping.load import Loaded
from engine.mapping.model import Star
from engine.plan.build import build
from engine.plan.progress import DEFAULT_LAG
from engine.plan.steps import Done, Notice, Plan, Step
from engine.plan.world import World
from engine.report import Report, entry_report
from engine.settings import ConnectionSettings

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # with the waits between them, a server has 45 seconds to come back
CANCEL_EVERY = 0.2  # seconds between two tries to stop what is running
PATIENCE = 5  # seconds to wait for a lost transaction's locks when a failure is recorded
COUNT_EVERY = 0.5  # seconds between two looks at how many rows have arrived


class Listener(Protocol):
    """Whoever wants to follow a run: a progress display, a log. Called from several threads."""

    def began(self, step: Step) -> None:
        """Hear that a step has begun."""

    def ended(self, done: Done) -> None:
        """Hear what a step did."""

    def arrived(self, entry: str, rows: int) -> None:
        """Hear how many rows are in the stage of an entry by now."""

    def finished(self, report: Report) -> None:
        """Hear how the run ended, well or not."""


class Silent:
    """A listener that does nothing."""

    def began(self, step: Step) -> None:
        """Do nothing."""

    def ended(self, done: Done) -> None:
        """Do nothing."""

    def arrived(self, entry: str, rows: int) -> None:
        """Do nothing."""

    def finished(self, report: Report) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """What of the mapping is run, and how: entries by name (none means all), from the beginning or not."""

    select: tuple[str, ...] = ()
    full_refresh: bool = False


@dataclass
class Attempt:
    """One try at a run, with what is known of it by the time that it fails."""

    loaded: Loaded
    settings: Mapping[str, ConnectionSettings]
    options: Options
    listener: Listener
    run_id: uuid.UUID
    number: int = 1
    publication: Publication | None = None
    began: bool = False
    interrupted: bool = False


def run(
    loaded: Loaded,
    settings: Mapping[str, ConnectionSettings],
    options: Options | None = None,
    listener: Listener | None = None,
    run_id: uuid.UUID | None = None,
) -> Report:
    """Run a mapping: extract, load, check, publish. Tries again when the reason to fail was transient.

    `settings` are by connection name. Raises MappingError, RunError, CheckFailedError, LockedError, or
    KeyboardInterrupt; whatever it raises, nothing was published, unless it says otherwise.
    """
    run_id = run_id or uuid.uuid4()
    started = time.perf_counter()
    numbers = itertools.count(1)

    def once() -> Report:
        number = next(numbers)
        attempt = Attempt(
            loaded, settings, options or Options(), listener or Silent(), run_id, number
        )
        if number > 1 and (report := _published_after_all(attempt, started)):
            attempt.listener.finished(report)
            return report
        return _interruptible(attempt, started)

    # Time alone does not end it: a run of an hour that loses its connection deserves another attempt.
    again = retry.retrying(f"run of {loaded.star.name}", attempts=ATTEMPTS, seconds=math.inf)
    return again(once)


def plan(
    loaded: Loaded, settings: Mapping[str, ConnectionSettings], options: Options | None = None
) -> tuple[Plan, World]:
    """Plan a run and write nothing: the sessions are read-only."""
    options = options or Options()
    with Sessions() as sessions:
        engines = {name: engine_for(s, read_only=True) for name, s in settings.items()}
        looks = {n: sessions.connect(e, autocommit=True) for n, e in engines.items()}
        warehouse = looks.pop("warehouse")
        origins = {name: origin(connection) for name, connection in looks.items()}
        world = survey(loaded, looks, origins, warehouse, full_refresh=options.full_refresh)
        star = loaded.star
        return build(star, world, loaded.document.place, options.select), world


def _interruptible(attempt: Attempt, started: float) -> Report:
    """Try on a thread of its own: the main thread stays free to hear a signal and stop the servers."""
    with Sessions() as sessions, ThreadPoolExecutor(1, thread_name_prefix="run") as pool:
        # With this thread's context, in which the log finds the run's id (engine.logs.bound).
        work = pool.submit(copy_context().run, _try, attempt, sessions, started)
        try:
            return work.result()
        except KeyboardInterrupt:
            attempt.interrupted = True
            _stop(sessions, (work,))
            if work.exception() is None:
                return work.result()  # too late to stop it: the star is published
            raise


def _stop(sessions: Sessions, work: Sequence[Future[Any]]) -> None:
    """Cancel what runs on the servers until nobody works any more."""
    while not all(one.done() for one in work):
        sessions.cancel()
        wait_for(work, timeout=CANCEL_EVERY)


def _try(attempt: Attempt, sessions: Sessions, started: float) -> Report:
    try:
        report = _work(attempt, sessions, started)
    except EngineError as error:
        _failed(attempt, str(error), started)
        raise
    except (CancelledError, DBAPIError, psycopg2.Error) as error:
        if attempt.interrupted:
            _failed(attempt, "interrupted", started)
            raise KeyboardInterrupt from error
        failure = RunError(sentence(error), transient=retry.is_transient(error))
        _failed(attempt, str(failure), started)
        raise failure from error
    attempt.listener.finished(report)
    return report


def _work(attempt: Attempt, sessions: Sessions, started: float) -> Report:
    loaded, star = attempt.loaded, attempt.loaded.star
    engines = {name: engine_for(s) for name, s in attempt.settings.items()}
    warehouse = engines.pop("warehouse")
    main = sessions.connect(warehouse)
    ledger.migrate(main)
    ledger.lock(main, star.name, attempt.run_id)
    side = sessions.connect(warehouse, autocommit=True)
    ledger.begin(side, attempt.run_id, star.name, attempt.number)
    attempt.began = True
    used = {entry.source.connection for entry in star.entries if entry.source}
    snapshots = {name: Snapshot(engines[name], sessions) for name in sorted(used)}
    world = survey(
        loaded,
        {name: snapshot.monitor for name, snapshot in snapshots.items()},
        {name: snapshot.origin for name, snapshot in snapshots.items()},
        side,
        full_refresh=attempt.options.full_refresh,
    )
    todo = build(star, world, loaded.document.place, attempt.options.select)
    publication = attempt.publication = Publication(
        main, sessions, attempt.run_id, attempt.listener
    )
    staging = Staging(sessions, warehouse, snapshots, attempt.listener.began)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="stage") as pool:
        stages = staging.start(pool, todo.stages)
        try:
            publication.schema(todo)
            publication.load(todo, lambda entry: _await(stages[entry], side, attempt, todo))
        except BaseException:
            _stop(sessions, tuple(stages.values()))  # nobody waits for what is still filling
            raise
    publication.check(todo, loaded.document.place)
    publication.progress(loaded, world, snapshots, stages, todo.fingerprints)
    report = publication.report(
        todo, time.perf_counter() - started, tuple(blind_notices(star, snapshots))
    )
    for snapshot in snapshots.values():
        snapshot.verdict()
    publication.commit(report)
    try:
        drop_stages(todo, side)
    except DBAPIError as error:  # the star is published; the next run removes them
        logger.warning("the stages are left behind: %s", sentence(error))
    return report


def blind_notices(star: Star, snapshots: Mapping[str, Snapshot]) -> Iterator[Notice]:
    """Tell where the engine cannot see the open transactions of a source and trusts a lag instead."""
    for entry in star.entries:
        if entry.source is None or entry.source.cursor is None:
            continue
        if not snapshots[entry.source.connection].activity.visible:
            lag = entry.source.cursor.lag
            yield Notice(
                entry.name,
                f"the open transactions of '{entry.source.connection}' cannot be seen: rows committed later "
                f"than {DEFAULT_LAG if lag is None else lag} s after they were written can be missed; "
                "grant pg_read_all_stats to the role, or set cursor.lag",
            )


def _await(stage: Future[Staged], side: Connection, attempt: Attempt, todo: Plan) -> Staged:
    """Wait for a stage to be full, and tell meanwhile how many rows have arrived."""
    names = {plan.create.stage.name: plan.entry for plan in todo.stages}
    while not stage.done():
        wait_for((stage,), timeout=COUNT_EVERY)
        if not stage.done():
            for entry, rows in ledger.arriving(side, names):
                attempt.listener.arrived(entry, rows)
    return stage.result()


def _published_after_all(attempt: Attempt, started: float) -> Report | None:
    """Ask the ledger whether the last attempt was published: the answer to COMMIT can be lost (TRAPS 42)."""
    with Sessions() as sessions:
        connection = sessions.connect(engine_for(attempt.settings["warehouse"]), autocommit=True)
        if ledger.version_of(connection) == 0:
            return None
        if ledger.status_of(connection, attempt.run_id) != "done":
            return None
        steps = ledger.steps_of(connection, attempt.run_id)
        checks = ledger.verdicts_of(connection, attempt.run_id)
    names = dict.fromkeys(done.entry for done in steps)
    return Report(
        run_id=str(attempt.run_id),
        mapping=attempt.loaded.star.name,
        status="done",
        seconds=round(time.perf_counter() - started, 3),
        entries=tuple(entry_report(name, steps) for name in names),
        checks=checks,
        steps=steps,
    )


def _failed(attempt: Attempt, error: str, started: float) -> None:
    """Tell listener and ledger that the run failed; a warehouse that is gone shows it as died."""
    seconds = round(time.perf_counter() - started, 3)
    publication = attempt.publication
    steps = tuple(publication.steps) if publication else ()
    checks = tuple(publication.verdicts) if publication else ()
    attempt.listener.finished(
        Report(
            run_id=str(attempt.run_id),
            mapping=attempt.loaded.star.name,
            status="failed",
            seconds=seconds,
            entries=tuple(
                entry_report(name, steps)
                for name in dict.fromkeys(s.entry for s in steps if s.entry)
            ),
            checks=checks,
            steps=steps,
            error=redact(error),
        )
    )
    if not attempt.began:
        return
    with Sessions() as sessions:
        try:
            connection = sessions.connect(engine_for(attempt.settings["warehouse"]))
            execute(connection, f"set lock_timeout = '{PATIENCE}s'").close()
            ledger.end(connection, attempt.run_id, "failed", redact(error), seconds)
            ledger.record(connection, attempt.run_id, steps, checks)
            connection.commit()
        except DBAPIError as lost:
            logger.warning("the failure cannot be recorded in the ledger: %s", sentence(lost))
