"""One attempt at a run: survey, plan, stage, load, check, publish."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine import retry
from engine.database import ledger
from engine.database.connect import Sessions, engine_for, execute, refuse_lost
from engine.database.culprit import explained
from engine.database.failure import KeysError, StepFailedError, in_source, located, placed, sentence
from engine.database.publish import Publication, UnknownOutcomeError
from engine.database.second import second
from engine.database.source import Snapshot
from engine.database.staging import WORKERS, Staged, Staging, drop_left_behind
from engine.database.survey import survey
from engine.errors import EngineError, LockedError, MappingError, RunError
from engine.listener import Listener
from engine.logs import redact
from engine.mapping.load import Loaded
from engine.mapping.model import Entry
from engine.plan.backfill import backfilled
from engine.plan.build import build
from engine.plan.progress import DEFAULT_LAG, lag_of
from engine.plan.select import chosen
from engine.plan.shape import target
from engine.plan.span import Span
from engine.plan.steps import Notice
from engine.plan.world import World
from engine.report import Report, entry_report
from engine.settings import ConnectionSettings
from engine.values import dataclass

logger = logging.getLogger(__name__)

CANCEL_EVERY = 0.2  # seconds between two tries to stop what is running
PATIENCE = 5  # seconds to wait for a lost transaction's locks when a failure is recorded
COUNT_EVERY = 0.5  # seconds between two looks at how many rows have arrived


@dataclass(frozen=True, slots=True)
class Options:
    """What of the mapping is run, and how: entries by name (none means all), from the beginning or not.

    With `span` its facts are brought in line for these days alone. `allow_deletes` takes it for right
    however many rows are gone from the source.
    """

    select: tuple[str, ...] = ()
    full_refresh: bool = False
    span: Span | None = None
    allow_deletes: bool = False


@dataclass
class Attempt:
    """One try at a run, with what is known of it by the time that it fails."""

    loaded: Loaded
    settings: Mapping[str, ConnectionSettings]
    options: Options
    listener: Listener
    run_id: uuid.UUID
    started: float  # of the run, by time.perf_counter
    number: int = 1
    publication: Publication | None = None
    notices: tuple[Notice, ...] = ()  # of the plan: what is read, and why
    began: bool = False
    interrupted: bool = False
    failure: Report | None = None
    report: Report | None = None  # of what was published
    doubt: str = ""  # why only the ledger knows whether this one, or one before, was published

    def seconds(self) -> float:
        """Return how long the run has taken so far."""
        return round(time.perf_counter() - self.started, 3)


def attempt_once(attempt: Attempt) -> Report:
    """Try on a thread of its own: the main thread stays free to hear a signal and stop the servers."""
    with Sessions() as sessions, ThreadPoolExecutor(1, thread_name_prefix="run") as pool:
        # With this thread's context, in which the log finds the run's id (engine.logs.bound).
        work = pool.submit(copy_context().run, _try, attempt, sessions)
        try:
            return work.result()
        except KeyboardInterrupt:
            attempt.interrupted = True
            while not work.done():
                with suppress(KeyboardInterrupt):  # of the impatient: nothing may be left running
                    _stop(sessions, (work,))
            if isinstance(work.exception(), KeyboardInterrupt):
                raise
            return work.result()  # too late to stop it: the star is published, or may be


def _stop(sessions: Sessions, work: Sequence[Future[Any]]) -> None:
    """Cancel what runs on the servers until nobody works any more."""
    while not all(one.done() for one in work):
        sessions.cancel()
        wait_for(work, timeout=CANCEL_EVERY)


def _try(attempt: Attempt, sessions: Sessions) -> Report:
    try:
        attempt.report = _work(attempt, sessions)
    except EngineError as error:
        if isinstance(error, UnknownOutcomeError):
            attempt.doubt = str(error)
        sessions.close()  # the ledger's row of the run may be locked by its own transaction
        if attempt.interrupted and isinstance(error, UnknownOutcomeError):
            _failed(attempt, str(error))
            raise RunError(str(error)) from error  # which is not tried again
        if attempt.interrupted:  # what a cancelled statement says is not what is wrong
            _failed(attempt, "interrupted")
            raise KeyboardInterrupt from error
        reason = _explained(attempt, sessions, error)
        _failed(attempt, str(reason))
        raise reason from error.__cause__
    except (CancelledError, DBAPIError, psycopg2.Error) as error:
        sessions.close()
        if attempt.interrupted:
            _failed(attempt, "interrupted")
            raise KeyboardInterrupt from error
        failure = RunError(located(error), transient=retry.is_transient(error))
        _failed(attempt, str(failure))
        raise failure from error
    return attempt.report


def _explained(attempt: Attempt, sessions: Sessions, error: EngineError) -> EngineError:
    """Return an error with more about what failed, where the data of a step did."""
    if isinstance(error, KeysError):
        return placed(error, attempt.loaded.star, attempt.loaded.document)
    if not isinstance(error, StepFailedError) or error.transient:
        return error
    try:
        warehouse = sessions.connect(engine_for(attempt.settings["warehouse"]))
        star, document = attempt.loaded.star, attempt.loaded.document
        reason = in_source(error, star, document, warehouse)
        return explained(second(reason, star, document, warehouse), star, document, warehouse)
    except (DBAPIError, RunError):  # the search must not hide what it searches for
        return error
    finally:
        sessions.close()


def _work(attempt: Attempt, sessions: Sessions) -> Report:
    loaded, star = attempt.loaded, attempt.loaded.star
    engines = {
        name: engine_for(s, read_only=name != "warehouse") for name, s in attempt.settings.items()
    }
    warehouse = engines.pop("warehouse")
    entries = chosen(star, attempt.options.select)
    read = Counter(entry.source.connection for entry in entries if entry.source)
    sessions.expect(warehouse, 2 + min(WORKERS, read.total()))
    for name in read:
        sessions.expect(engines[name], 2)
    main = sessions.connect(warehouse)
    ledger.migrate(main)
    if published := _published_before(attempt, main):
        return published
    ledger.lock_tables(main, (str(target(star, entry)) for entry in entries))
    side = sessions.connect(warehouse, autocommit=True)
    ledger.begin(side, attempt.run_id, star.name, attempt.number)
    attempt.began = True
    drop_left_behind(side, star.name)
    snapshots = {name: Snapshot(engines[name], sessions) for name in sorted(read)}
    # Not before: to a snapshot that is being taken, these would be others who may write.
    for name, queries in read.items():
        sessions.expect(engines[name], min(WORKERS, queries))
    world = _survey(attempt, sessions, snapshots, side)
    todo = build(star, world, loaded.document.place, attempt.options.select)
    attempt.notices = todo.notices
    publication = attempt.publication = Publication(
        main, sessions, attempt.run_id, attempt.listener
    )
    with (
        ThreadPoolExecutor(WORKERS, thread_name_prefix="stage") as pool,
        ThreadPoolExecutor(todo.most_beside or 1, thread_name_prefix="stream") as streams,
    ):
        staging = Staging(sessions, warehouse, snapshots, streams, attempt.listener)
        stages, counts = staging.start(pool, todo.stages), staging.count(pool, todo.stages)
        try:
            publication.schema(todo, star.connection("warehouse").schema)
            publication.load(
                todo, lambda entry: _await(stages[entry], staging, side, attempt.listener)
            )
            publication.check(todo, loaded.document.place, lambda entry: counts[entry].result())
        except BaseException:
            _stop(sessions, (*stages.values(), *counts.values()))  # nobody waits for them
            raise
    publication.progress(loaded, world, snapshots, stages, todo)
    report = publication.report(todo, attempt.seconds(), tuple(blind_notices(entries, snapshots)))
    for snapshot in snapshots.values():
        snapshot.verdict()
    publication.commit(todo, report)
    return report


def _survey(
    attempt: Attempt, sessions: Sessions, snapshots: Mapping[str, Snapshot], side: Connection
) -> World:
    """Ask what the world is like. What ends the asking from outside is no problem of the mapping."""
    monitors = {name: snapshot.monitor for name, snapshot in snapshots.items()}
    origins = {name: snapshot.origin for name, snapshot in snapshots.items()}
    options = attempt.options
    try:
        world = survey(
            attempt.loaded,
            monitors,
            origins,
            side,
            select=options.select,
            full_refresh=options.full_refresh,
        )
        world = backfilled(attempt.loaded.star, world, options.span)
    except (MappingError, SQLAlchemyError) as error:
        sessions.refuse_when_cancelled()
        refuse_lost({**monitors, "warehouse": side}, error)
        raise
    return replace(world, allow_deletes=options.allow_deletes)


def _published_before(attempt: Attempt, main: Connection) -> Report | None:
    """Take the lock, or find that the attempt before was published: the answer to COMMIT can be lost.

    Asked when that attempt has the lock no more: before, its session may still be committing (TRAPS 42).
    """
    try:
        ledger.lock(main, attempt.loaded.star.name, attempt.run_id)
    except LockedError:  # another run's, that came after it
        if report := _recorded(attempt, main):
            return report
        attempt.doubt = ""
        raise
    report = _recorded(attempt, main)
    attempt.doubt = ""  # the ledger has answered
    return report


def _recorded(attempt: Attempt, main: Connection) -> Report | None:
    """Return what the ledger says of this run when it is done already."""
    if attempt.number == 1 or ledger.status_of(main, attempt.run_id) != "done":
        return None
    steps = ledger.steps_of(main, attempt.run_id)
    return Report(
        run_id=str(attempt.run_id),
        mapping=attempt.loaded.star.name,
        status="done",
        seconds=attempt.seconds(),
        entries=tuple(
            entry_report(entry.name, steps)
            for entry in chosen(attempt.loaded.star, attempt.options.select)
        ),
        checks=ledger.verdicts_of(main, attempt.run_id),
        steps=steps,
    )


def blind_notices(entries: Iterable[Entry], snapshots: Mapping[str, Snapshot]) -> Iterator[Notice]:
    """Tell where the engine cannot see the open transactions of a source and trusts a lag instead."""
    for entry in entries:
        if entry.source is None or entry.source.cursor is None:
            continue
        if not snapshots[entry.source.connection].activity.visible:
            lag = lag_of([each.lag for each in entry.source.cursors], visible=False)
            yield Notice(
                entry.name,
                f"the open transactions of '{entry.source.connection}' cannot be seen: rows committed later "
                f"than {DEFAULT_LAG if lag is None else lag} s after they were written can be missed; "
                "grant pg_read_all_stats to the role, or set cursor.lag",
            )


def _await(stage: Future[Staged], staging: Staging, side: Connection, listener: Listener) -> Staged:
    """Wait for a stage to be full, and tell meanwhile how many rows have arrived."""
    while not stage.done():
        wait_for((stage,), timeout=COUNT_EVERY)
        if staging.failure:  # of another stage: it is no use to wait for this one
            raise staging.failure
        if not stage.done():
            for entry, rows in staging.arriving(side):
                listener.arrived(entry, rows)
    return stage.result()


def _failed(attempt: Attempt, error: str) -> None:
    """Keep what is known of the failure, and tell the ledger; a warehouse that is gone shows it as died."""
    publication = attempt.publication
    steps = tuple(publication.steps) if publication else ()
    checks = tuple(publication.verdicts) if publication else ()
    names = dict.fromkeys(done.entry for done in steps if done.entry)
    attempt.failure = Report(
        run_id=str(attempt.run_id),
        mapping=attempt.loaded.star.name,
        status="failed",
        seconds=attempt.seconds(),
        entries=tuple(entry_report(name, steps) for name in names),
        checks=checks,
        notices=attempt.notices,
        steps=steps,
        error=redact(error),
    )
    if not attempt.began:
        return
    with Sessions() as sessions:
        try:
            connection = sessions.connect(engine_for(attempt.settings["warehouse"]))
            execute(connection, f"set lock_timeout = '{PATIENCE}s'").close()
            ledger.end(
                connection, attempt.run_id, "failed", attempt.failure.error, attempt.failure.seconds
            )
            ledger.record(connection, attempt.run_id, steps, checks)
            connection.commit()
        except (DBAPIError, RunError) as lost:
            logger.warning("the failure cannot be recorded in the ledger: %s", sentence(lost))
