"""What the versions of a member must be that the source loses and has again, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.oracle.history import EVER, NEVER, Event


@dataclass
class Version:
    """A version, with the first and the last time at which an event said so, and its end by a delete."""

    city: str | None
    changed: int
    confirmed: int
    death: int | None = None


@dataclass
class Member:
    """A member with its versions in the order of time; an event of day n is at 2 n.

    A delete ends the last version just after the last event that said so, which is at 2 n + 1: the clock of
    the events is so far ahead of that of the run.
    """

    versions: list[Version] = field(default_factory=list)
    name: str | None = None
    named_at: int | None = None

    def read(self, batch: Iterable[Event]) -> None:
        """Take all that the source has of the member: events of different times, or nothing."""
        events = list(batch)
        if events:
            self._build(events)
        last = self.versions[-1] if self.versions else None
        if last and events:
            last.death = None  # what is in the source goes on
        elif last and last.death is None:
            last.death = last.confirmed + 1

    def _build(self, events: Iterable[Event]) -> None:
        said = {v.confirmed: v.city for v in self.versions}
        said |= {v.changed: v.city for v in self.versions}
        published = {v.changed for v in self.versions}
        deaths = sorted(v.death for v in self.versions if v.death is not None)
        for event in events:
            said[2 * event.at] = event.city
            if self.named_at is None or event.at >= self.named_at:
                self.name, self.named_at = event.name, event.at
        self.versions, keyed, life = [], False, 0
        for at in sorted(said):
            last = self.versions[-1] if self.versions else None
            lives = sum(death <= at for death in deaths)
            same = last is not None and last.city == said[at] and lives == life
            if last and same and not (keyed and at in published):
                last.confirmed = at
                keyed = keyed or at in published
            else:
                self.versions.append(Version(said[at], at, at))
                keyed, life = at in published, lives
        for version, end in zip(self.versions, self._ends(), strict=True):
            later = [death for death in deaths if version.changed < death]
            if later and (end is None or later[0] <= end):
                version.death = later[0]

    def _ends(self) -> list[int | None]:
        later = [version.changed for version in self.versions[1:]]
        return [*later, None] if self.versions else []

    def rows(self) -> list[tuple[str | None, str | None, int | str, int | str, int | None, bool]]:
        """Return city, name, valid_from, valid_to, deleted_at and is_current of each version."""
        found = []
        for n, (version, end) in enumerate(zip(self.versions, self._ends(), strict=True)):
            since = version.changed if n else EVER
            until = version.death if version.death is not None else NEVER if end is None else end
            current = end is None and version.death is None
            found.append((version.city, self.name, since, until, version.death, current))
        return found

    def at(self, time: int) -> Version | None:
        """Return the version that is valid at a time, None between a delete and the return."""
        for version, (_, _, since, until, _, _) in zip(self.versions, self.rows(), strict=True):
            if (since == EVER or since <= time) and (until == NEVER or time < until):
                return version
        return None
