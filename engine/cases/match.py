"""Expected rows and found ones: which belong together, whatever their order. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.cases.result import FOUND, SAME, WANTED, Line

ANY = object()  # as an expected cell: whatever is not NULL
UNNAMED = object()  # as an expected cell: not compared
Wanted = Sequence[object]
Found = Sequence[str | None]
NULL = "NULL"


def compare(
    wanted: Sequence[Wanted], found: Sequence[Found], *, all_rows: bool
) -> tuple[Line, ...]:
    """Return the rows side by side; none when each expected one is there and, with `all_rows`, no other."""
    partner = assign(wanted, found)
    missing = [at for at in range(len(wanted)) if at not in partner]
    taken = set(partner.values())
    left = [at for at in range(len(found)) if at not in taken]
    if not missing and not (all_rows and left):
        return ()
    lines: list[Line] = []
    for at, row in enumerate(wanted):
        if at in partner:
            lines.append(Line(SAME, tuple(found[partner[at]])))
            continue
        near = nearest(row, found, left)
        different = differences(row, found[near]) if near is not None else frozenset()
        lines.append(Line(WANTED, shown(row), different))
        if near is not None:
            left.remove(near)
            lines.append(Line(FOUND, tuple(found[near]), different))
    if all_rows:
        lines += [Line(FOUND, tuple(found[at])) for at in left]
    return tuple(lines)


def fits(row: Wanted, found: Found) -> bool:
    """Say whether a found row is as expected."""
    return not differences(row, found)


def differences(row: Wanted, found: Found) -> frozenset[int]:
    """Return the cells in which a found row is otherwise than expected."""
    return frozenset(
        at
        for at, (want, have) in enumerate(zip(row, found, strict=True))
        if want is not UNNAMED and (have is None if want is ANY else want != have)
    )


def assign(wanted: Sequence[Wanted], found: Sequence[Found]) -> dict[int, int]:
    """Return a found row for as many expected ones as possible, each for one only (Kuhn's algorithm)."""
    fitting = [[at for at, row in enumerate(found) if fits(want, row)] for want in wanted]
    owner: dict[int, int] = {}

    def place(want: int, seen: set[int]) -> bool:
        for at in fitting[want]:
            if at not in seen:
                seen.add(at)
                if at not in owner or place(owner[at], seen):
                    owner[at] = want
                    return True
        return False

    for want in range(len(wanted)):
        place(want, set())
    return {want: at for at, want in owner.items()}


def nearest(row: Wanted, found: Sequence[Found], among: Sequence[int]) -> int | None:
    """Return the found row with the most cells as expected, the first columns first; None without any."""

    def alike(at: int) -> tuple[int, list[bool]]:
        wrong = differences(row, found[at])
        same = [n not in wrong for n, want in enumerate(row) if want not in (UNNAMED, ANY)]
        return sum(same), same

    best = max(among, key=alike, default=None)
    return best if best is not None and alike(best)[0] else None


def shown(row: Wanted) -> tuple[str | None, ...]:
    """Return an expected row for people."""
    return tuple(
        "" if cell is UNNAMED else "*" if cell is ANY else NULL if cell is None else str(cell)
        for cell in row
    )
