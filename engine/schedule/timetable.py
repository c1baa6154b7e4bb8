"""When runs are due: a cron expression in a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from engine.errors import ArgumentError
from engine.values import dataclass

# The first look ahead: an expression such as 0 0 30 2 * names a moment that never comes.
EXAMPLE = '"0 * * * *" is every hour, "30 6 * * 1-5" half past six on weekdays'


@dataclass(frozen=True, slots=True)
class Timetable:
    """Moments by a cron expression of five fields, as Debian's cron reads it, or six with seconds first.

    Where clocks change, a moment that is skipped comes right after the gap, and one that would come twice
    comes once; expressions with a star for minutes or hours follow the clock. All moments are aware.
    """

    cron: str
    zone: ZoneInfo

    def next(self, after: datetime) -> datetime:
        """Return the first moment after this one."""
        return next(CronSim(self.cron, after.astimezone(self.zone))).astimezone(UTC)

    def last(self, until: datetime) -> datetime:
        """Return the last moment that is not after this one."""
        start = (until + timedelta(seconds=1)).astimezone(self.zone)
        return next(CronSim(self.cron, start, reverse=True)).astimezone(UTC)

    def text(self, moment: datetime) -> str:
        """Say a moment in the time zone of the timetable."""
        return moment.astimezone(self.zone).isoformat(sep=" ", timespec="seconds")


def timetable(cron: str, zone: str, now: datetime) -> Timetable:
    """Read a cron expression and the name of a time zone; ArgumentError when either is wrong."""
    try:
        found = Timetable(cron, ZoneInfo(zone))
    except (
        KeyError,
        ValueError,
        OSError,
    ) as error:  # unknown, not a name, a folder of the database
        raise ArgumentError(
            f"--timezone: there is no time zone '{zone}' (a name such as Europe/Amsterdam or UTC)"
        ) from error
    try:
        found.next(now)
        found.last(now)
    except CronSimError as error:
        reason = str(error).lower() or "not a cron expression"
        raise ArgumentError(f"--cron: '{cron}': {reason} ({EXAMPLE})") from error
    except StopIteration as error:
        raise ArgumentError(f"--cron: '{cron}' names a moment that never comes") from error
    return found
