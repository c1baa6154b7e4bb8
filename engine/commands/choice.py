"""What of a mapping a command is about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """The patterns of --select, none means all, and whether everything is read from the beginning."""

    select: tuple[str, ...] = ()
    full_refresh: bool = False
