"""From counts to verdicts: whether a check passes, warns or stops the run."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from engine.mapping.model import Check, Tolerance
from engine.values import dataclass

Status = Literal["pass", "warn", "fail"]
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check said: how many rows broke it, out of how many, and what follows.

    Where no single row is at fault, `found` says what was found in place of them.
    """

    entry: str
    check: str
    path: str
    status: Status
    failed: int
    total: int
    place: str = ""
    found: str = ""


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


def judge(
    entry: str, check: Check, failed: int, total: int, place: str = "", found: str = ""
) -> Verdict:
    """Turn the counts of a check into its verdict; `found` is said where it does not pass."""
    status: Status = "pass"
    if not tolerated(check, failed, total):
        status = "warn" if check.severity == "warn" else "fail"
    said = "" if status == "pass" else found
    return Verdict(entry, label(check), check.path, status, failed, total, place, said)


def of_rows(check: Check, rows: int) -> str:
    """Say how many rows a table has, and how many are wanted: "3 rows, at least 5 are wanted"."""
    low, high = (None if each is None else f"{int(each):,}" for each in (check.low, check.high))
    wanted = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    return f"{rows:,} {'row' if rows == 1 else 'rows'}, {wanted} are wanted"


def of_groups(group: tuple[str, ...], failed: int, total: int, example: str | None) -> str:
    """Say how many groups of a bridge are not whole, and which one: "1 of 2 groups break it, such as …"."""
    such = f", such as ({', '.join(group)}) = {example}" if example else ""
    return f"{failed:,} of {total:,} groups break it{such}"


def of_source(there: int, read: int) -> str:
    """Say how many rows a source has by its own count, and how many came."""
    return f"the source counts {there:,} {'row' if there == 1 else 'rows'}, {read:,} were read"


def of_age(check: Check, newest: str | None) -> str:
    """Say what the newest value of a column is, and how old it may be at most."""
    column = check.columns[0]
    size, unit = next(each for each in UNITS if check.max_age % each[0] == 0)
    age = f"{check.max_age // size:,} {unit}"
    if newest is None:
        return f"no row has any {column}, one of the last {age} is wanted"
    return f"newest {column} is {newest}, more than {age} old"
