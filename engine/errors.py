"""What can go wrong, as values: a Problem says where, what and what to do; an EngineError ends the work."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import takewhile

from engine.values import dataclass

CLOSE = 0.6  # how much alike two words must be, from 0 to 1, for one to be meant by the other
CLOSER = 2 / 3  # the same for what is left of them, which is short
SLIP = 0.85  # from here on they differ by a letter or so, wherever that stands


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a mapping file: line and column count from 1, path is the dotted way to the entry.

    Line 0 stands for the file as a whole, an empty file for no file at all.
    """

    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return ": ".join(part for part in (where, self.path) if part)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it stands, what was found, and what to do about it."""

    where: Place
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.what} ({self.hint})" if self.hint else self.what
        where = str(self.where)
        return f"{where}: {text}" if where else text


class EngineError(Exception):
    """The root of everything that the engine raises on purpose; `exit_code` is what the process returns."""

    exit_code = 1


class MappingError(EngineError):
    """The mapping is wrong; carries every problem that was found, in the order of the file."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(
            sorted(problems, key=lambda p: (p.where.file, p.where.line, p.where.column))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SettingsError(EngineError):
    """Arguments, environment variables or secret files are missing or wrong."""

    exit_code = 2


class ArgumentError(SettingsError):
    """What was asked for cannot be: an option or its value, two that contradict each other, a name."""


class RunError(EngineError):
    """The run failed and nothing was published; `transient` says whether trying again may help."""

    exit_code = 1

    def __init__(self, what: str, *, transient: bool = False) -> None:
        super().__init__(what)
        self.transient = transient


class CheckFailedError(EngineError):
    """A check of severity error failed; nothing was published."""

    exit_code = 3


class OutputError(EngineError):
    """What was to be printed could not be written to standard output."""

    exit_code = 74  # EX_IOERR of sysexits.h


class LateInterruptError(EngineError):
    """Ctrl-C or SIGTERM came when the star was published already."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__(
            "interrupted: the star was published before that; `engine history` lists the run"
        )


class LockedError(EngineError):
    """Another run of the same mapping holds the lock."""

    exit_code = 4


def refuse(problems: Iterable[Problem]) -> None:
    """Raise one MappingError with all the problems, or return when there are none."""
    found = tuple(problems)
    if found:
        raise MappingError(found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint: the closest known word, or the whole list when it is short, or nothing."""
    words = sorted(known)
    likeness, closest = max(((_likeness(word, other), other) for other in words), default=(0.0, ""))
    if likeness >= CLOSE:
        return f"did you mean '{closest}'?"
    if 0 < len(words) <= 12:
        return "known: " + ", ".join(words)
    return ""


def _likeness(word: str, other: str) -> float:
    """Return how much alike two words are, from 0 to 1; 0 when only what many words have is alike in them.

    That is what both begin or end with, up to a `_` or a `.`: nobody who writes dim_suppliers or nosuch.yml
    has dim_users or second.yml in mind.
    """
    if word.lower() == other.lower():
        return 1.0
    whole = SequenceMatcher(None, other, word).ratio()
    if not CLOSE <= whole < SLIP:
        return whole
    head = _beginning(word, other).rfind("_") + 1
    ends = _beginning(word[head:][::-1], other[head:][::-1])
    tail = max(ends.rfind("_"), ends.rfind(".")) + 1
    if not head and not tail:
        return whole
    own, others = word[head : len(word) - tail], other[head : len(other) - tail]
    return whole if SequenceMatcher(None, others, own).ratio() >= CLOSER else 0.0


def _beginning(word: str, other: str) -> str:
    """Return what both words begin with."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False))
    return "".join(letter for letter, _ in pairs)
