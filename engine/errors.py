"""What can go wrong, as values: a Problem says where, what and what to do; an EngineError ends the work."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from engine.values import dataclass


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
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    if 0 < len(words) <= 12:
        return "known: " + ", ".join(words)
    return ""
