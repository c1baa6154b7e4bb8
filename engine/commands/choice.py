"""What of a mapping a command is about."""

from __future__ import annotations

from engine.plan.span import Span
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """The patterns of --select, none means all, whether everything is read, and all deletes allowed."""

    select: tuple[str, ...] = ()
    full_refresh: bool = False
    span: Span | None = None
    allow_deletes: bool = False

    @property
    def how(self) -> tuple[bool, Span | None, bool]:
        """How the entries are run, in the order of the run's options."""
        return self.full_refresh, self.span, self.allow_deletes
