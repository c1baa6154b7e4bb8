"""Do it: a run of a mapping, tried again while the reason to fail is transient."""

from __future__ import annotations

import itertools
import math
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine import retry
from engine.attempt import Attempt, Options, attempt_once
from engine.cache.publish import Publisher
from engine.cache.settings import CacheSettings
from engine.database.connect import Sessions, engine_for, refuse_lost
from engine.database.failure import located
from engine.database.source import origin
from engine.database.survey import survey
from engine.errors import MappingError, RunError
from engine.listener import Listener, Silent
from engine.logs import redact
from engine.mapping.load import Loaded
from engine.plan.backfill import backfilled
from engine.plan.build import build
from engine.plan.select import chosen, sources_of
from engine.plan.steps import Plan
from engine.plan.world import World
from engine.report import Report
from engine.settings import ConnectionSettings

__all__ = ["Listener", "Options", "plan", "run"]

ATTEMPTS = 8  # with the waits between them, a server has 45 seconds to come back


def run(
    loaded: Loaded,
    settings: Mapping[str, ConnectionSettings],
    options: Options | None = None,
    listener: Listener | None = None,
    run_id: uuid.UUID | None = None,
    cache: CacheSettings | None = None,
) -> Report:
    """Run a mapping: extract, load, check, publish. Tries again when the reason to fail was transient.

    `settings` are by connection name; `cache` is where members of dimensions with a cache are published
    after the commit. Raises MappingError, RunError, CheckFailedError, LockedError, or
    KeyboardInterrupt; whatever it raises, nothing was published, unless it says otherwise.
    """
    run_id, options, listener = run_id or uuid.uuid4(), options or Options(), listener or Silent()
    started, numbers = time.perf_counter(), itertools.count(1)
    attempts: list[Attempt] = []

    def once() -> Report:
        attempt = Attempt(loaded, settings, options, listener, run_id, started, next(numbers))
        attempt.doubt = attempts[-1].doubt if attempts else ""
        attempts.append(attempt)
        return attempt_once(attempt)

    # Time alone does not end it: a run of an hour that loses its connection deserves another attempt.
    again = retry.retrying(f"run of {loaded.star.name}", attempts=ATTEMPTS, seconds=math.inf)
    try:
        report = again(once)
    except BaseException as error:
        done = attempts[-1].report if attempts and isinstance(error, KeyboardInterrupt) else None
        if done:  # the interrupt came after the star was published
            listener.finished(done)
            return done
        told = _in_doubt(error, attempts[-1].doubt if attempts else "")
        if failures := [attempt.failure for attempt in attempts if attempt.failure]:
            failure = failures[-1]
            listener.finished(replace(failure, error=redact(str(told))) if told else failure)
        if told:
            raise told from error
        raise
    # An interrupt comes too late from here on: it ends what is left to do, and denies nothing.
    with suppress(KeyboardInterrupt):
        report = _published(report, attempts, Publisher(loaded.star, cache, settings["warehouse"]))
    with suppress(KeyboardInterrupt):
        listener.finished(report)
    return report


def _in_doubt(error: BaseException, doubt: str) -> RunError | None:
    """Return what is to be said in place of an error while nobody knows whether the star was published.

    None when it is known, or when the error says it itself.
    """
    if not doubt or doubt in str(error):
        return None
    if isinstance(error, KeyboardInterrupt):
        return RunError(doubt)
    return RunError(f"{error}; before that, {doubt}") if isinstance(error, RunError) else None


def _published(report: Report, attempts: Sequence[Attempt], publisher: Publisher) -> Report:
    """Bring the cache up to date with what was committed, and tell what there is to tell of it."""
    # The last attempt has none when it found that the one before was published (TRAPS 42).
    publications = [attempt.publication for attempt in attempts if attempt.publication]
    changes = publications[-1].changes if publications else ()
    notices = publisher.publish(report.run_id, changes)
    return replace(report, notices=(*report.notices, *notices)) if notices else report


def plan(
    loaded: Loaded, settings: Mapping[str, ConnectionSettings], options: Options | None = None
) -> tuple[Plan, World]:
    """Plan a run and write nothing: the sessions are read-only. Tries again what failed in passing.

    `settings` are by connection name, at least those that the selected entries need.
    """
    options = options or Options()
    again = retry.retrying(f"plan of {loaded.star.name}")
    return again(_plan_once, loaded, settings, options)


def _plan_once(
    loaded: Loaded, settings: Mapping[str, ConnectionSettings], options: Options
) -> tuple[Plan, World]:
    star, select = loaded.star, options.select
    needed = {"warehouse", *sources_of(chosen(star, select))}
    with Sessions() as sessions:
        looks: dict[str, Connection] = {}
        try:
            for name in sorted(needed):
                engine = engine_for(settings[name], read_only=True)
                looks[name] = sessions.connect(engine, autocommit=True)
            sources = {name: look for name, look in looks.items() if name != "warehouse"}
            origins = {name: origin(connection) for name, connection in sources.items()}
            world = survey(
                loaded,
                sources,
                origins,
                looks["warehouse"],
                select=select,
                full_refresh=options.full_refresh,
            )
        except (MappingError, DBAPIError) as error:
            refuse_lost(looks, error)
            if isinstance(error, DBAPIError):
                raise RunError(located(error), transient=retry.is_transient(error)) from error
            raise
    world = replace(backfilled(star, world, options.span), allow_deletes=options.allow_deletes)
    return build(star, world, loaded.document.place, select), world
