"""The schedule itself: wait, run, and go on, whatever became of the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from engine.errors import EngineError, LockedError, MappingError, SettingsError
from engine.schedule.metrics import Metrics
from engine.schedule.state import State
from engine.schedule.timetable import Timetable
from engine.values import dataclass

logger = logging.getLogger("engine.schedule")

NAP = 0.5  # seconds between two looks at the clock, which may jump: machines sleep
LATE = timedelta(seconds=5)
MOST_COUNTED = 1000  # moments that were missed; beyond it does not matter how many

Run = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is, and a way to let some pass."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep


def missed_since(timetable: Timetable, served: datetime, now: datetime) -> int:
    """Count the moments after `served` up to `now`."""
    count, moment = 0, timetable.next(served)
    while moment <= now and count < MOST_COUNTED:
        count, moment = count + 1, timetable.next(moment)
    return count


def loop(run: Run, state: State, metrics: Metrics, clock: Clock) -> None:
    """Run at each moment of the timetable until `state.stop` is set; several that have passed give one run.

    `state.due` is the moment that is waited for; one that lies in the past is caught up at once.
    """
    while not state.stop.is_set():
        metrics.next_run.set(state.due.timestamp())
        if clock.now() < state.due:
            logger.info("the next run is due at %s", state.timetable.text(state.due))
        while clock.now() < state.due:
            if state.stop.is_set():
                return
            clock.sleep(min(NAP, max((state.due - clock.now()).total_seconds(), 0.01)))
        late = clock.now() - state.due
        if late > LATE:
            logger.warning(
                "the run that was due at %s is caught up", state.timetable.text(state.due)
            )
        moments = missed_since(state.timetable, state.due, clock.now())
        served = state.timetable.last(clock.now()) if moments else state.due
        if moments:
            metrics.missed(moments)
            logger.warning("so are the %d that were due since", moments)
        once(run, state, metrics)
        state.due = state.timetable.next(served)


def once(run: Run, state: State, metrics: Metrics) -> None:
    """Run, and remember how it ended; what is wrong with a run is told and ends nothing."""
    state.running = True
    metrics.in_progress.set(1)
    start, status = time.perf_counter(), "done"
    try:
        run()
        state.failure = ""
    except LockedError as error:  # somebody else runs it, so it is being loaded
        status = "locked"
        logger.warning("%s", error)
    except EngineError as error:
        status = "invalid" if isinstance(error, MappingError | SettingsError) else "failed"
        state.failure = str(error)
        logger.error("%s", error)  # noqa: TRY400  (a sentence for a person, no traceback)
    finally:
        state.running = False
        metrics.in_progress.set(0)
    metrics.ended(status, time.perf_counter() - start)
