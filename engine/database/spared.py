"""Which steps of a plan need not be done, by what those before them have counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.database.versions import CHANGING
from engine.plan.steps import (
    CheckUnique,
    CompleteInferred,
    CountSeveral,
    Done,
    EnsureMember,
    FillDurable,
    FindGone,
    HierarchyStep,
    InferMembers,
    InsertNew,
    OfGone,
    ProveFew,
    Quarantine,
    RejectNullKeys,
    RepointFacts,
    RetryHeld,
    Step,
    UpdateChanged,
)
from engine.report import entry_report


def spared(step: Step, keyless: int | None, steps: Sequence[Done]) -> bool:
    """Say whether a step is known to find nothing, or another one does what it would do.

    `steps` are those that are done; `keyless` is how many rows of the stage have no key, None if not known.
    """
    if isinstance(step, RejectNullKeys):
        return keyless == 0
    if isinstance(step, Quarantine):
        return not _any(steps, "rejected", step.entry)
    if isinstance(step, RepointFacts):
        # A member that returns has a version more, and no other has another period.
        returned = step.line.closes and _any(steps, "inserted", step.entry)
        return not step.always and not _any(steps, "closed", step.entry) and not returned
    if isinstance(step, HierarchyStep | CheckUnique):
        return not step.always and not _changed(steps, step.entry)
    if isinstance(step, OfGone | ProveFew):
        return steps[-1].title == FindGone.title and not steps[-1].rows
    if isinstance(step, InferMembers):
        return not _any(steps, "read", step.host) and not _did(steps, RetryHeld, step.host)
    if isinstance(step, FillDurable) and step.inferred:
        return not _any(steps, "inferred", step.entry)
    single = isinstance(step, InsertNew | UpdateChanged) and step.single
    if single or isinstance(step, CompleteInferred):
        counts = entry_report(step.entry, steps)
        return counts.read == counts.accounted
    # Where several rows have one key, and where none have, other steps are done.
    return step.several is not None and step.several != _did(steps, CountSeveral, step.entry)


def _did(steps: Iterable[Done], kind: type[Step], entry: str) -> bool:
    """Say that a step of a kind counted something for an entry."""
    return any(d.rows for d in steps if (d.entry, d.title) == (entry, kind.title))


def _changed(steps: Iterable[Done], entry: str) -> bool:
    """Say that a row of an entry was written or deleted, a special member included."""
    own = [done for done in steps if done.entry == entry and done.rows]
    changing = (*CHANGING, "closed")
    return any(d.measure in changing or d.title == EnsureMember.title for d in own)


def _any(steps: Iterable[Done], measure: str, entry: str) -> bool:
    """Say that a step of an entry counted something: without, looking for what follows is in vain."""
    own = (done for done in steps if done.entry == entry)
    return any(done.rows for done in own if done.measure == measure)
