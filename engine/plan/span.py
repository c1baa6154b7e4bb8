"""A range of days, and how a command line says it."""

from __future__ import annotations

from datetime import date

from engine.errors import SettingsError
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A range of days, from `low` on and before `high`."""

    low: date
    high: date


def span_from(low: str | None, high: str | None, *, full_refresh: bool) -> Span | None:
    """Return the days of --from and --to, None without; SettingsError when they make no range."""
    if low is None and high is None:
        return None
    if low is None or high is None:
        raise SettingsError(
            "--from and --to belong together: from which day on, and before which day"
        )
    if full_refresh:
        raise SettingsError(
            "--full-refresh reads everything, --from and --to a range: drop one of them"
        )
    first, after = _day("--from", low), _day("--to", high)
    if first >= after:
        raise SettingsError(
            f"--from {low} is not before --to {high}, which is not in the range itself"
        )
    return Span(first, after)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{name} takes a day such as 2026-01-31, not '{text}'") from None
