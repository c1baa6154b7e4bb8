"""What follows from the answer of a step of loading: a notice, or the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import singledispatch

from engine.database.circles import circle, orphans
from engine.database.failure import mended
from engine.database.missing import missing_one
from engine.database.tell import counted, inferred, waiting
from engine.database.work import Work
from engine.errors import CheckFailedError
from engine.plan.quality import exceeds
from engine.plan.steps import (
    CountCircles,
    CountHeld,
    CountInferred,
    CountOrphans,
    Done,
    Notice,
    ProveFew,
    ProveFilled,
    ProveFound,
    ProveMade,
    ProveOrdinary,
    ProveRange,
    ProveUnique,
    Step,
    Upsert,
)

Tell = Callable[[Iterable[Notice]], None]
Proof = (
    CountCircles
    | ProveFew
    | ProveFilled
    | ProveFound
    | ProveMade
    | ProveOrdinary
    | ProveRange
    | ProveUnique
)


@singledispatch
def do(step: Step, work: Work, _tell: Tell) -> None:
    """Do a step, and tell or raise what its answer means; raises CheckFailedError and RunError."""
    work.do(step)


@do.register(ProveFew)
def _few(step: ProveFew, work: Work, _tell: Tell) -> None:
    failed, total = work.counted(step)
    if exceeds(step.tolerance, failed, total):
        share = f", {100 * failed / total:.3g} %" if total else ""
        gone = f"{failed:,} of {total:,} rows are gone from the source{share}"
        raise _refused(step, f"{gone}: {step.rule.text}")


@do.register(CountHeld)
def _held(step: CountHeld, work: Work, tell: Tell) -> None:
    tell(waiting(step.entry, *work.counted(step)))


@do.register(CountInferred)
def _inferred(step: CountInferred, work: Work, tell: Tell) -> None:
    tell(inferred(step.entry, *work.counted(step)))


@do.register(ProveUnique)
def _unique(step: ProveUnique, work: Work, _tell: Tell) -> None:
    row = work.row(step)
    if keys := int(row.failed):
        many = counted(keys, "key has", "keys have")
        names = ", ".join(step.match).replace("$", "")
        example = f"such as ({names}) = {row.example}"
        remedy = mended(step.match, row.example, step.stand_ins)
        raise _refused(step, f"{step.rule.text}: {many} several rows, {example}; {remedy}")


@do.register(Upsert)
def _upsert(step: Upsert, work: Work, _tell: Tell) -> None:
    # The one step that counts three things; its time is told with the first.
    row = work.row(step, "updated")
    others = {"inserted": row.inserted, "unchanged": row.total - row.inserted - row.updated}
    work.take(
        Done(step.entry, f"{step.called}, {measure}", measure, int(rows), 0.0)
        for measure, rows in others.items()
    )


@do.register(CountOrphans)
def _orphans(step: CountOrphans, work: Work, tell: Tell) -> None:
    if members := work.do(step):
        tell([Notice(step.entry, orphans(work.main, step.tree, members))])


@do.register(CountCircles)
def _circles(step: CountCircles, work: Work, tell: Tell) -> None:
    if members := work.do(step):
        found = f"{members:,} {step.rule.text}: {circle(work.main, step.tree)}"
        if not step.warn:
            raise _refused(step, found)
        tell([Notice(step.entry, f"{found}; they stand alone in the hierarchy")])


@do.register(ProveFound)
def _found(step: ProveFound, work: Work, _tell: Tell) -> None:
    if rows := work.do(step):
        raise _refused(step, f"{_problem(rows)}{step.rule.text}{missing_one(work.main, step)}")


@do.register(ProveMade)
def _made(step: ProveMade, work: Work, _tell: Tell) -> None:
    row = work.row(step)
    if rows := int(row.failed):
        many = counted(rows, "row that dense makes has", "rows that dense makes have")
        example = f"such as one of {step.period} = {row.example}"
        raise _refused(step, f"{many} a problem: {step.rule.text}, {example}")


@do.register(ProveOrdinary)
def _ordinary(step: ProveOrdinary, work: Work, _tell: Tell) -> None:
    if rows := work.do(step):
        raise _refused(step, f"{_problem(rows)}{step.rule.text}")


@do.register(ProveFilled)
@do.register(ProveRange)
def _within(step: ProveFilled | ProveRange, work: Work, _tell: Tell) -> None:
    if work.do(step):
        raise _refused(step, step.rule.text)


def _problem(rows: int) -> str:
    return counted(rows, "row has a problem: ", "rows have a problem: ")


def _refused(step: Proof, what: str) -> CheckFailedError:
    return CheckFailedError(f"{step.rule.place}: {step.entry}: {what}")
