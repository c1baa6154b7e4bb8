"""From counts to verdicts: whether a check passes, warns or stops the run."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from engine.mapping.model import Check, Tolerance
from engine.values import dataclass

Status = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check said: how many rows broke it, out of how many, and what follows."""

    entry: str
    check: str
    path: str
    status: Status
    failed: int
    total: int
    place: str = ""


def label(check: Check) -> str:
    """Name a check in a report: its own name, or its kind and what it is about."""
    if check.name:
        return check.name
    about = ", ".join(check.columns)
    if check.kind == "references":
        about += f" in {check.dimension}"
    if check.kind == "row_count" and check.low is None and check.high is None:
        about = "source"
    return f"{check.kind} {about}".strip()


def tolerated(check: Check, failed: int, total: int) -> bool:
    """Say whether so many broken rows are still within the check's tolerance."""
    return not exceeds(check.tolerance, failed, total)


def exceeds(tolerance: Tolerance, failed: int, total: int) -> bool:
    """Say whether so many rows are more than is tolerated."""
    if tolerance.percent is not None:
        return Decimal(failed) * 100 > tolerance.percent * Decimal(total)
    return failed > tolerance.rows


def judge(entry: str, check: Check, failed: int, total: int, place: str = "") -> Verdict:
    """Turn the counts of a check into its verdict."""
    status: Status = "pass"
    if not tolerated(check, failed, total):
        status = "warn" if check.severity == "warn" else "fail"
    return Verdict(entry, label(check), check.path, status, failed, total, place)
