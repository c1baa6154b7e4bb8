"""Judges a run before it is published: each row is accounted for, and each check holds."""

from __future__ import annotations

from collections.abc import Callable

from engine.database.spared import spared
from engine.database.work import Work
from engine.errors import CheckFailedError, Place, RunError
from engine.mapping.model import Check, Tolerance
from engine.plan.quality import (
    Status,
    Verdict,
    judge,
    label,
    of_age,
    of_groups,
    of_rows,
    of_source,
    tolerated,
)
from engine.plan.steps import (
    CheckBridge,
    CheckFreshness,
    CheckRowCount,
    CheckRows,
    CheckStep,
    Done,
    Plan,
    RejectCheck,
)
from engine.report import check_line, entry_report

Locate = Callable[[str], Place]


class Judge:
    """Comes to a verdict on each check of a plan; `verdicts` has those that it came to."""

    def __init__(self, work: Work, plan: Plan, place: Locate) -> None:
        self.verdicts: list[Verdict] = []
        self._work = work
        self._plan = plan
        self._place = place

    def judge(self, counted: Callable[[str], Done]) -> None:
        """Prove that every row is accounted for and every check holds, or raise CheckFailedError.

        `counted` waits for an entry's own count of the source.
        """
        self._account()
        for step in self._plan.checks:
            self._check(step)
        for entry, check in self._plan.proved:
            self._add(entry, check, 0, entry_report(entry, self._work.done).accounted)
        self._judge_rejected()
        for entry, check in self._plan.source_counts:
            own = counted(entry)
            self._work.take([own])
            here = entry_report(entry, self._work.done).accounted
            said = of_source(own.rows, here)
            self._add(entry, check, abs(own.rows - here), own.rows, said)
        broken = [check_line(verdict) for verdict in self.verdicts if verdict.status == "fail"]
        if broken:
            raise CheckFailedError("\n".join((*broken, "nothing was published")))

    def _account(self) -> None:
        for entry in self._plan.entries:
            counts = entry_report(entry, self._work.done)
            if counts.read != counts.accounted:
                raise RunError(
                    f"{entry}: {counts.read:,} rows were read but {counts.accounted:,} are accounted for "
                    f"({counts.terms}); nothing was published"
                )

    def _check(self, step: CheckStep | CheckBridge) -> None:
        if isinstance(step, CheckRows):
            row = self._work.row(step)
            for check, failed in zip(step.checks, row.failed, strict=True):
                self._add(step.entry, check, failed, int(row.total))
        elif spared(step, None, self._work.done):
            self._add(step.entry, step.check, 0, 0)
        else:
            row = self._work.row(step)
            said = ""
            if isinstance(step, CheckRowCount):
                said = of_rows(step.check, int(row.total))
            elif isinstance(step, CheckFreshness):
                said = of_age(step.check, row.newest)
            elif isinstance(step, CheckBridge):
                said = of_groups(step.group, int(row.failed), int(row.total), row.example)
            self._add(step.entry, step.check, int(row.failed), int(row.total), said)

    def _add(self, entry: str, check: Check, failed: int, total: int, found: str = "") -> None:
        spot = _spot(self._place(check.path))
        self.verdicts.append(judge(entry, check, failed, total, spot, found))

    def _judge_rejected(self) -> None:
        """Judge the checks whose rows are in quarantine: they warn, or fail when it is more than their max.

        A check of several columns has a step for each; a row that one of them took the next does not count.
        """
        rejected = [(s, done.rows) for s, done in self._work.own if isinstance(s, RejectCheck)]
        for path in dict.fromkeys(step.rule.path for step, _ in rejected):
            steps = [step for step, _ in rejected if step.rule.path == path]
            count = sum(rows for step, rows in rejected if step.rule.path == path)
            entry, check, place = steps[0].entry, steps[0].condition.check, steps[0].rule.place
            read = entry_report(entry, self._work.done).read
            broken = check.tolerance != Tolerance() and not tolerated(check, count, read)
            status: Status = "fail" if broken else "warn" if count else "pass"
            name = ", ".join(dict.fromkeys(label(step.condition.check) for step in steps))
            self.verdicts.append(Verdict(entry, name, path, status, count, read, place))


def _spot(place: Place) -> str:
    return f"{place.file}:{place.line}:{place.column}" if place.file else ""
