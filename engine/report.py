"""What happened, as a value, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, field

from engine.plan.quality import Verdict
from engine.plan.steps import CountNullCursors, Done, Notice, ReadCursors
from engine.values import dataclass

COUNTS = (
    "read",
    "inserted",
    "updated",
    "unchanged",
    "closed",
    "deleted",
    "returned",
    "inferred",
    "repointed",
    "held",
    "released",
    "filled",
    "rejected",
)
SENT = ("inserted", "updated", "unchanged", "held", "rejected")
UNSENT = ("released", "filled")  # which an earlier run has read, and which nobody has sent
CURSORS = (CountNullCursors.title, ReadCursors.title)


@dataclass(frozen=True, slots=True)
class EntryReport:
    """What happened to one dimension or fact; every row that was read is in exactly one other count.

    `filled` counts rows that no source has sent, as a dense snapshot has them, of those that are inserted,
    updated or unchanged. `null_cursors` counts rows without a cursor, `repointed` rows of facts that refer
    to another version of a member now, `returned` rows that were deleted and are in the source again;
    read, closed, deleted, returned, inferred and repointed are no part of the sum.
    """

    name: str
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    closed: int = 0
    deleted: int = 0
    returned: int = 0
    inferred: int = 0
    repointed: int = 0
    held: int = 0
    released: int = 0
    filled: int = 0
    rejected: int = 0
    null_cursors: int = 0
    seconds: float = 0.0

    @property
    def accounted(self) -> int:
        """How many of the rows that were read are in one of the other counts; must equal `read`."""
        return self._sum(SENT) - self._sum(UNSENT)

    @property
    def terms(self) -> str:
        """Those counts: "3 inserted, 0 updated, … less 2 released"."""
        sent, unsent = (
            [
                f"{getattr(self, name):,} {name}"
                for name in names
                if names == SENT or getattr(self, name)
            ]
            for names in (SENT, UNSENT)
        )
        return " less ".join(", ".join(each) for each in (sent, unsent) if each)

    def _sum(self, names: Iterable[str]) -> int:
        return sum(getattr(self, name) for name in names)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did. `status` is done or failed; a failed run published nothing."""

    run_id: str
    mapping: str
    status: str
    seconds: float = 0.0
    entries: tuple[EntryReport, ...] = ()
    checks: tuple[Verdict, ...] = ()
    notices: tuple[Notice, ...] = ()
    steps: tuple[Done, ...] = field(default=())
    error: str = ""


def entry_report(name: str, steps: Iterable[Done]) -> EntryReport:
    """Add up the counts of an entry's steps."""
    own = [done for done in steps if done.entry == name]
    counts = {count: sum(done.rows for done in own if done.measure == count) for count in COUNTS}
    return EntryReport(
        name=name,
        **counts,
        null_cursors=sum(done.rows for done in own if done.title in CURSORS),
        seconds=round(sum(done.seconds for done in own), 3),
    )


def as_json(report: Report) -> str:
    """Return the report as one JSON object, steps included."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=2)


def as_text(report: Report) -> str:
    """Return the report as a table for a person, with the checks that did not pass and the notices below."""
    shown = [c for c in COUNTS if c in COUNTS[:4] or any(getattr(e, c) for e in report.entries)]
    head = ["", *shown, "seconds"]
    body = [
        [entry.name, *(f"{getattr(entry, count):,}" for count in shown), f"{entry.seconds:.2f}"]
        for entry in report.entries
    ]
    lines = table_lines([head, *body]) if body else []
    lines += notes(report)
    for entry in report.entries:
        if entry.null_cursors:
            lines.append(f"note: {entry.name}: {entry.null_cursors:,} rows have no cursor")
    lines += [check_line(check) for check in report.checks if check.status != "pass"]
    passed = sum(check.status == "pass" for check in report.checks)
    lines.append(
        f"{report.mapping}: {report.status} in {report.seconds:.2f} s, "
        f"{passed} of {len(report.checks)} checks passed (run {report.run_id})"
    )
    return "\n".join(lines)


def notes(report: Report) -> list[str]:
    """Return a line for each notice."""
    return [f"note: {notice.entry}: {notice.text}" for notice in report.notices]


def check_line(verdict: Verdict) -> str:
    """Say in a line what a check found."""
    of = f" of {verdict.total:,}" if verdict.total else ""
    where = f"{verdict.place}: " if verdict.place else ""
    found = verdict.found or f"{verdict.failed:,}{of} rows break it"
    return f"{where}{verdict.entry}: check '{verdict.check}' {verdict.status}s: {found}"


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align columns: the first to the left, numbers to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
