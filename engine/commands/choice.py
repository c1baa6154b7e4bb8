"""What of a mapping a command is about."""

from __future__ import annotations

from dataclasses import dataclass

from engine.plan.span import Span


@dataclass(frozen=True, slots=True)
class Choice:
    """The patterns of --select, none means all, and whether everything is read from the beginning."""

    select: tuple[str, ...] = ()
    full_refresh: bool = False
    span: Span | None = None
