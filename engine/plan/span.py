"""A range of days, and how a command line says it."""

from __future__ import annotations

from datetime import date

from engine.errors import ArgumentError
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A range of days, from `low` on and before `high`."""

    low: date
    high: date


def span_from(low: str | None, high: str | None, *, full_refresh: bool) -> Span | None:
    """Return the days of --from and --to, None without; ArgumentError when they make no range."""
    if low is None and high is None:
        return None
    if low is None or high is None:
        raise ArgumentError(
            "--from and --to belong together: from which day on, and before which day"
        )
    if full_refresh:
        raise ArgumentError(
            "--full-refresh reads everything, --from and --to a range: drop one of them"
        )
    first, after = _day("--from", low), _day("--to", high)
    if first >= after:
        hint = "exchange them" if first > after else "for one day, --to is the day after it"
        raise ArgumentError(
            f"--from {low} is not before --to {high}, which is not in the range itself ({hint})"
        )
    return Span(first, after)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentError(f"{name} takes a day such as 2026-01-31, not '{text}'") from None
