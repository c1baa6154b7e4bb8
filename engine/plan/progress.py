"""How far the star has got: which rows an incremental read must ask for so that none is ever lost (TRAPS 1).

A row that is committed late carries an old cursor. So the watermark may only move to a *mark*, the moment
and the highest cursor of a read, when every transaction that was open during the newest read began after
the mark: what those still write gets its cursor from a clock or a sequence after the mark was made, so that
it is not below the mark's. Where cursors are given otherwise, or the open transactions cannot be seen, a lag
in seconds stands for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.plan.world import Reading
from engine.values import dataclass

DEFAULT_LAG = (
    3600  # seconds, where the open transactions cannot be seen and the mapping names no lag
)
MOST_MARKS = 64  # that wait to be settled
REMADE = "remade"  # in place of a fingerprint: the keys that were looked up are no more
BEHIND = "behind"  # the same: the source had no row any more from the watermark on
GONE = "gone "  # before a fingerprint: a run did without the entry, whose mapping did not have it


@dataclass(frozen=True, slots=True)
class Mark:
    """What one read saw: the source's clock after the snapshot in microseconds, and the highest cursor.

    `high` is the server's own text (TRAPS 5), None when no row had a cursor yet; `further` are those of
    the other cursors of the source, if there are several. All are of one moment, and settle together.
    """

    moment: int
    high: str | None
    further: tuple[str | None, ...] = ()


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
    waiting = tuple(
        m for m in (*progress.marks, mark) if settled is None or m.moment > settled.moment
    )
    return Progress(settled, _thinned(waiting), progress.identity, progress.fingerprint)


def _thinned(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Return fewer marks when they are many, as under a transaction that nobody ends.

    Without a mark the next one before it settles, and more is read again: never less. The older half is
    thinned, so that marks of every age are left.
    """
    half = MOST_MARKS // 2
    return marks if len(marks) <= MOST_MARKS else (*marks[:half:2], *marks[half:])


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


def reading(
    progress: Progress,
    *,
    identity: str,
    fingerprint: str,
    now: int,
    full_refresh: bool,
    lost: str = "",
) -> Reading:
    """Decide from where an entry is read.

    The watermark holds only for the source, the definition and the table that it was made with; otherwise
    everything is read and brought in line. `now` is the source's clock in microseconds, `lost` a reason that
    the caller knows.
    """
    why = _changed(progress, identity, fingerprint, now) or lost if progress.identity else ""
    if full_refresh:
        reason = "a full refresh was asked for: everything is read"
        return Reading(reason=reason, reconcile=True, outdated=bool(why))
    if not progress.identity:
        # What the table holds, if anything, may be of another time: even appended facts are compared.
        return Reading(reconcile=True)
    if why:
        # Where the source is behind, nothing says that rows which are not read again are other ones.
        outdated = progress.fingerprint != BEHIND
        return Reading(reason=f"{why}: everything is read", reconcile=True, outdated=outdated)
    settled = progress.settled or Mark(0, None)
    return Reading(low=settled.high, further=settled.further)


def _changed(progress: Progress, identity: str, fingerprint: str, now: int) -> str:
    """Say what is not as it was when a watermark was made."""
    if progress.identity != identity:
        return "the source is another one, or was restored or failed over, since the last run"
    if why := redefined(progress, fingerprint):
        return why
    if _newest(progress) > now:
        return "the clock of the source was set back since the last run"
    return ""


def redefined(progress: Progress, fingerprint: str) -> str:
    """Say why rows that were loaded would not be the same now."""
    if progress.fingerprint == REMADE:
        return "another mapping has made a dimension of this star anew, whose members have new keys"
    if progress.fingerprint == BEHIND:
        return "the source had no row at or above the watermark"
    if progress.fingerprint.startswith(GONE):
        return "it was not in the mapping meanwhile"
    if progress.fingerprint != fingerprint:
        return "the definition has changed since the last run"
    return ""


def lag_of(lags: Sequence[int | None], *, visible: bool) -> int | None:
    """Return the longest lag of several cursors; one without has the default where nothing can be seen."""
    known = [lag for lag in lags if lag is not None]
    if known and len(known) < len(lags) and not visible:
        known.append(DEFAULT_LAG)
    return max(known, default=None)


def base(progress: Progress, identity: str, fingerprint: str, now: int) -> Progress:
    """Return what of the old progress still holds for this source, this definition and this clock."""
    same = (progress.identity, progress.fingerprint) == (identity, fingerprint)
    if same and _newest(progress) <= now:
        return progress
    return Progress(None, (), identity, fingerprint)


def _newest(progress: Progress) -> int:
    """Return the moment of the newest mark. Where that is still to come, cursors are given twice."""
    marks = (*progress.marks, *((progress.settled,) if progress.settled else ()))
    return max((mark.moment for mark in marks), default=0)
