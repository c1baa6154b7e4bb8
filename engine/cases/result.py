"""What came of a case, as values."""

from __future__ import annotations

from dataclasses import field

from engine.errors import Place
from engine.values import dataclass

SAME, WANTED, FOUND = "=", "-", "+"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a comparison: expected and found alike, expected only, or found only.

    A cell is None where it is not compared. `different` are the cells in which it differs from its partner.
    """

    mark: str
    cells: tuple[str | None, ...]
    different: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that is otherwise than expected; of rows, side by side."""

    place: Place
    what: str
    columns: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case; it passed when nothing failed."""

    name: str
    place: Place
    seconds: float
    failures: tuple[Failure, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.failures
