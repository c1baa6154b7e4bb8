"""Do it: a run of a mapping, tried again while the reason to fail is transient."""

from __future__ import annotations

import itertools
import math
import time
import uuid
from collections.abc import Mapping

from engine import retry
from engine.attempt import Attempt, Options, attempt_once
from engine.database.connect import Sessions, engine_for
from engine.database.source import origin
from engine.database.survey import survey
from engine.listener import Listener, Silent
from engine.mapping.load import Loaded
from engine.plan.build import build
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
) -> Report:
    """Run a mapping: extract, load, check, publish. Tries again when the reason to fail was transient.

    `settings` are by connection name. Raises MappingError, RunError, CheckFailedError, LockedError, or
    KeyboardInterrupt; whatever it raises, nothing was published, unless it says otherwise.
    """
    run_id, options, listener = run_id or uuid.uuid4(), options or Options(), listener or Silent()
    started, numbers = time.perf_counter(), itertools.count(1)
    attempts: list[Attempt] = []

    def once() -> Report:
        attempt = Attempt(loaded, settings, options, listener, run_id, started, next(numbers))
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
        if failures := [attempt.failure for attempt in attempts if attempt.failure]:
            listener.finished(failures[-1])
        raise
    listener.finished(report)
    return report


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
