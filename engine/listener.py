"""Whoever follows a run, as a protocol."""

from __future__ import annotations

from typing import Protocol

from engine.plan.steps import Done, Step
from engine.report import Report


class Listener(Protocol):
    """Whoever wants to follow a run: a progress display, a log. Called from several threads."""

    def began(self, step: Step) -> None:
        """Hear that a step has begun."""

    def ended(self, done: Done) -> None:
        """Hear what a step did."""

    def expects(self, entry: str, rows: int) -> None:
        """Hear about how many rows of an entry will come in all, as its source's planner thinks by now."""

    def arrived(self, entry: str, rows: int) -> None:
        """Hear how many rows are in the stage of an entry by now."""

    def finished(self, report: Report) -> None:
        """Hear how the run ended, well or not."""


class Silent:
    """A listener that does nothing."""

    def began(self, step: Step) -> None:
        """Do nothing."""

    def ended(self, done: Done) -> None:
        """Do nothing."""

    def expects(self, entry: str, rows: int) -> None:
        """Do nothing."""

    def arrived(self, entry: str, rows: int) -> None:
        """Do nothing."""

    def finished(self, report: Report) -> None:
        """Do nothing."""
