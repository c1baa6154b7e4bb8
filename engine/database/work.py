"""Does the steps of a plan on one connection, and keeps what each counted and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import psycopg2
from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from engine.database.connect import Sessions, count_of, execute
from engine.database.failure import failure_of
from engine.plan.steps import CountSeveral, Done, ProveUnique, RejectDuplicates, Step
from engine.sql.render import render

# After one of them each key of what was read is known to have one row.
UNIQUE = (ProveUnique.title, RejectDuplicates.title, CountSeveral.title)


class Follower(Protocol):
    """Whoever hears what steps begin and end."""

    def began(self, step: Step) -> None:
        """Hear that a step has begun."""

    def ended(self, done: Done) -> None:
        """Hear what a step did."""


class Work:
    """What was done so far on a connection, and the means to do more."""

    def __init__(self, main: Connection, sessions: Sessions, listener: Follower) -> None:
        self.main = main
        self.done: list[Done] = []
        self.own: list[tuple[Step, Done]] = []  # of them, what was done here
        self._sessions = sessions
        self._listener = listener

    def take(self, steps: Iterable[Done]) -> None:
        """Take over what was done elsewhere."""
        for done in steps:
            self.done.append(done)
            self._listener.ended(done)

    def do(self, step: Step) -> int:
        """Do a step and return how many rows it counted; raises a RunError that says what went wrong."""
        return self._timed(step, lambda: count_of(self.main, render(step)))

    def row(self, step: Step, counts: str = "failed") -> Row[Any]:
        """Do a step that answers with a row: one column is what it counts, a number or several."""
        seen: list[Row[Any]] = []

        def count() -> int:
            seen.append(execute(self.main, render(step)).one())
            found = getattr(seen[0], counts)
            return sum(found) if isinstance(found, list) else int(found)

        self._timed(step, count)
        return seen[0]

    def counted(self, step: Step) -> tuple[int, int]:
        """Do a step that counts two things: what is wrong, and of how many."""
        row = self.row(step)
        return int(row.failed), int(row.total)

    def _timed(self, step: Step, work: Callable[[], int]) -> int:
        self._sessions.refuse_when_cancelled()
        self._listener.began(step)
        start = time.perf_counter()
        try:
            rows = work()
        except (DBAPIError, psycopg2.Error) as error:
            self._sessions.refuse_when_cancelled()
            raise failure_of(step, error, proved=self._proved(step.entry)) from error
        done = Done(step.entry, step.called, step.measure, rows, time.perf_counter() - start)
        self.own.append((step, done))
        self.take([done])
        return rows

    def _proved(self, entry: str) -> bool:
        """Say whether each key of what was read is known to have one row."""
        return any(done.title in UNIQUE for done in self.done if done.entry == entry)
