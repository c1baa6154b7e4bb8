"""What a run has to tell beside its counts: rows with which it did not do what one might expect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.plan.steps import (
    CountExpired,
    CountKept,
    CountOutdated,
    Done,
    FlagReferred,
    Notice,
    RejectExpired,
)

# By the title of a step, what is said of one row that it counted, and of several.
TOLD = {
    CountKept.title: (
        "row that was read again has changed in the source, and stays as it was loaded: "
        "load: upsert would follow it, --full-refresh does so once",
        "rows that were read again have changed in the source, and stay as they were loaded: "
        "load: upsert would follow it, --full-refresh does so once",
    ),
    CountOutdated.title: (
        "row was not loaded again, and stays as it was: the source has it no more (deletes says what becomes "
        "of such rows), or what came for it waits or was rejected",
        "rows were not loaded again, and stay as they were: the source has them no more (deletes says what "
        "becomes of such rows), or what came for them waits or was rejected",
    ),
    FlagReferred.title: (
        "member is gone from the source, and stays as facts refer to it: is_deleted is true",
        "members are gone from the source, and stay as facts refer to them: is_deleted is true",
    ),
    RejectExpired.title: (
        "row is older than what partition.keep keeps, and was not loaded",
        "rows are older than what partition.keep keeps, and were not loaded",
    ),
}

FELL_BEHIND = (
    "the source has no row at or above the watermark any more, as when it was restored or its newest rows "
    "were deleted: the next run reads everything"
)


def told(steps: Iterable[Done]) -> Iterator[Notice]:
    """Tell of what single steps have counted."""
    for done in steps:
        if done.title in TOLD and done.rows:
            yield Notice(done.entry, counted(done.rows, *TOLD[done.title]))
        if done.title.startswith(CountExpired.title):
            name = done.title.removeprefix(CountExpired.title).strip()
            rows = counted(done.rows, "row", "rows")
            text = "was dropped: it is older than what partition.keep keeps"
            yield Notice(done.entry, f"partition {name} with {rows} {text}")


def waiting(entry: str, rows: int, age: int) -> Iterator[Notice]:
    """Tell how many rows wait for a member, and for how many seconds the oldest has."""
    if rows:
        text = counted(rows, "row waits for a member", "rows wait for a member")
        yield Notice(entry, f"{text}, the oldest for {duration(age)}")


def inferred(entry: str, members: int, age: int) -> Iterator[Notice]:
    """Tell how many members only facts know of, and for how many seconds the oldest has been so."""
    if members:
        text = counted(members, "member is inferred", "members are inferred")
        yield Notice(entry, f"{text}, the oldest for {duration(age)}")


def counted(number: int, one: str, several: str) -> str:
    """Say a number of things: "1 row", "1,234 rows"."""
    return f"{number:,} {one if number == 1 else several}"


def duration(seconds: int) -> str:
    """Say how long something has taken, in its two largest units."""
    for size, unit, smaller, part in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller} {part}"
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
