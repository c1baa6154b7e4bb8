"""What the versions of a member must be, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

EVER, NEVER = "-infinity", "infinity"
Kept = tuple[str | None, str | None]  # the city and the segment


@dataclass
class Event:
    """What the source says of a member since a time: a type 1 value and two type 2 values."""

    at: int
    city: str | None
    name: str | None
    segment: str | None = None

    @property
    def kept(self) -> Kept:
        """What makes a version."""
        return (self.city, self.segment)


@dataclass
class Version:
    """A version, with the first and the last time at which an event said so."""

    kept: Kept
    changed: int
    confirmed: int

    @property
    def city(self) -> str | None:
        """The first of its type 2 values."""
        return self.kept[0]


@dataclass
class Member:
    """A member with its versions in the order of time."""

    versions: list[Version] = field(default_factory=list)
    name: str | None = None
    named_at: int | None = None

    def read(self, batch: Iterable[Event]) -> None:
        """Take the events of one batch, in which no two are of one time.

        What is known of the member are moments: of each version the first and the last, and the events. An
        event outdoes what was known of its moment. A moment that says what the one before said belongs to its
        version, but a version that was published, whose key facts hold, begins at the moment that made it.
        """
        said = {v.confirmed: v.kept for v in self.versions} | {
            v.changed: v.kept for v in self.versions
        }
        published = {version.changed for version in self.versions}
        for event in batch:
            said[event.at] = event.kept
            if self.named_at is None or event.at >= self.named_at:
                self.name, self.named_at = event.name, event.at
        self.versions = []
        keyed = False
        for at in sorted(said):
            last = self.versions[-1] if self.versions else None
            if last and last.kept == said[at] and not (keyed and at in published):
                last.confirmed = at
                keyed = keyed or at in published
            else:
                self.versions.append(Version(said[at], at, at))
                keyed = at in published

    def rows(self) -> list[tuple[str | None, ...]]:
        """Return city, segment, previous city, name, valid_from, valid_to and is_current of each version."""
        if not self.versions:
            return []
        later = [version.changed for version in self.versions[1:]]
        starts, ends = [EVER, *later], [*later, NEVER]
        return [
            (*v.kept, self.city_before(n), self.name, start, end, end == NEVER)
            for n, (v, start, end) in enumerate(zip(self.versions, starts, ends, strict=True))
        ]

    def city_before(self, number: int) -> str | None:
        """Return the city before that of a version: of the last earlier version that has another one."""
        city = self.versions[number].city
        others = [v.city for v in self.versions[:number] if v.city != city]
        return others[-1] if others else None

    def at(self, time: int) -> Version | None:
        """Return the version that is valid at a time."""
        before = [v for v in self.versions[1:] if v.changed <= time]
        return (before or self.versions[:1] or [None])[-1]
