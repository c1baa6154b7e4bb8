"""How far the star has got: which rows an incremental read must ask for so that none is ever lost (TRAPS 1).

A row that is committed late carries an old cursor. So the watermark may only move to a *mark*, the moment
and the highest cursor of a read, when every transaction that was open during the newest read began after
the mark: whatever those transactions still write has a higher cursor than the mark's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT_LAG = 3600  # seconds, where the open transactions cannot be seen and the mapping names no lag


@dataclass(frozen=True, slots=True)
class Mark:
    """What one read saw: the source's clock after the snapshot in microseconds, and the highest cursor.

    `high` is the server's own text (TRAPS 5), None when no row had a cursor yet.
    """

    moment: int
    high: str | None


@dataclass(frozen=True, slots=True)
class Activity:
    """What else went on in the source while the snapshot was taken.

    `oldest` is the begin of the oldest open transaction in microseconds of the source's clock, None when
    there was none. `prepared` says that a prepared transaction exists, whose begin nobody knows. `exact`
    says that no transaction can have come and gone unseen around the snapshot. `visible` says that the
    role may see other sessions at all and that they are on this server (not on the primary of a standby).
    """

    moment: int
    oldest: int | None
    prepared: bool
    exact: bool
    visible: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """The watermark of one entry and the marks that may follow it, oldest first.

    `identity` is the source cluster's system identifier and timeline; `fingerprint` is of the definition.
    """

    settled: Mark | None
    marks: tuple[Mark, ...] = ()
    identity: str = ""
    fingerprint: str = ""


def advance(progress: Progress, mark: Mark, activity: Activity, lag: int | None) -> Progress:
    """Return the progress after a read that made `mark`: what is settled now, what waits to be."""
    candidates = [*progress.marks, *([mark] if activity.exact or not activity.visible else [])]
    border = _border(activity, lag)
    settled = progress.settled
    for candidate in candidates:
        if border is not None and candidate.moment < border:
            settled = candidate
    # A mark that is not exact may serve later: this read's successor sees what it missed.
    waiting = tuple(m for m in (*progress.marks, mark) if settled is None or m.moment > settled.moment)
    return Progress(settled, waiting, progress.identity, progress.fingerprint)


def _border(activity: Activity, lag: int | None) -> int | None:
    """Marks before this moment are settled; None settles nothing."""
    after_all = activity.moment + 1
    if not activity.visible:
        return after_all - 1_000_000 * (DEFAULT_LAG if lag is None else lag)
    if activity.prepared:
        return None
    return min(
        after_all if activity.oldest is None else activity.oldest,
        after_all - 1_000_000 * (lag or 0),
    )


def newest(marks: Iterable[Mark]) -> Mark | None:
    """Return the mark that was made last, or None."""
    return max(marks, key=lambda mark: mark.moment, default=None)
