"""How the schedule is doing: what was due, what ran, how it ended, and whether that is well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

from engine.schedule.timetable import Timetable

LEAST_TOLERANCE = timedelta(minutes=5)


@dataclass
class State:
    """What the loop tells and the health check asks; `due` is the moment whose run has not ended yet.

    `tolerance` is how long after that moment the run may end; None allows as long as it is to the next one,
    and five minutes at least.
    """

    timetable: Timetable
    due: datetime
    now: Callable[[], datetime]
    tolerance: timedelta | None = None
    running: bool = False
    stop: Event = field(default_factory=Event)
    failure: str = ""  # of the last run; empty when it was done, or when there was none

    def health(self) -> tuple[bool, str]:
        """Say whether all is well, and in a sentence what is the matter."""
        late = self.now() - self.due
        allowed = self.tolerance
        if allowed is None:
            allowed = max(self.timetable.next(self.due) - self.due, LEAST_TOLERANCE)
        when = self.timetable.text(self.due)
        if late > allowed:
            doing = "has been running too long" if self.running else "has not begun"
            return False, f"overdue: the run that was due at {when} {doing}"
        if self.failure:
            return False, f"the last run failed: {self.failure}"
        if self.stop.is_set():
            return True, "stopping"
        return True, "running" if self.running else f"waiting: the next run is due at {when}"
