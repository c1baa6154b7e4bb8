"""Which periods a run of a periodic snapshot reads."""

from datetime import date

import pytest

from engine.mapping.model import Snapshot
from engine.plan.snapshot import first_day, periods_due

MAY = date(2026, 5, 1)


def read(every="month", today="2026-05-20", loaded=None, of_now=False, full_refresh=False, **more):
    start = more.get("start")
    snapshot = Snapshot(
        every, "p", date.fromisoformat(start) if start else None, more.get("lag", 1)
    )
    periods = periods_due(
        snapshot,
        shift=more.get("shift", 0),
        today=date.fromisoformat(today),
        loaded=tuple(map(date.fromisoformat, loaded)) if loaded else None,
        of_now=of_now,
        full_refresh=full_refresh,
    )
    return f"{periods.first} {periods.last}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "2026-05-01 2026-05-01"),
        ({"start": "2026-01-17"}, "2026-01-01 2026-05-01"),
        # The newest one was not over, and is read again with those that have come since.
        ({"start": "2026-01-01", "loaded": ("2026-01-01", "2026-05-01")}, "2026-05-01 2026-05-01"),
        ({"start": "2026-01-01", "loaded": ("2026-01-01", "2026-03-01")}, "2026-03-01 2026-05-01"),
        ({"loaded": ("2026-01-01", "2026-03-01")}, "2026-03-01 2026-05-01"),
        # A period that has just ended is open for its lag.
        ({"today": "2026-05-01", "loaded": ("2026-01-01", "2026-05-01")}, "2026-04-01 2026-05-01"),
        ({"today": "2026-05-02", "loaded": ("2026-01-01", "2026-05-01")}, "2026-05-01 2026-05-01"),
        (
            {"today": "2026-05-05", "lag": 5, "loaded": ("2026-01-01", "2026-05-01")},
            "2026-04-01 2026-05-01",
        ),
        # ... but nothing is read that comes before the first.
        ({"today": "2026-05-01", "start": "2026-05-01"}, "2026-05-01 2026-05-01"),
        ({"today": "2026-05-01", "loaded": ("2026-05-01", "2026-05-01")}, "2026-05-01 2026-05-01"),
        ({"loaded": ("2026-01-01", "2026-05-01"), "full_refresh": True}, "2026-01-01 2026-05-01"),
        (
            {"start": "2026-03-01", "loaded": ("2026-01-01", "2026-05-01"), "full_refresh": True},
            "2026-03-01 2026-05-01",
        ),
        ({"of_now": True, "loaded": ("2026-01-01", "2026-03-01")}, "2026-05-01 2026-05-01"),
        ({"of_now": True, "start": "2026-01-01", "full_refresh": True}, "2026-05-01 2026-05-01"),
        ({"every": "week"}, "2026-05-18 2026-05-18"),
        ({"every": "week", "shift": 1}, "2026-05-17 2026-05-17"),
        ({"every": "year", "start": "2024-02-29"}, "2024-01-01 2026-01-01"),
    ],
)
def test_the_periods_that_are_due(given, expected):
    assert read(**given) == expected


def test_a_week_begins_on_its_day():
    for shift, name in ((0, "Monday"), (1, "Sunday"), (2, "Saturday")):
        for day in range(1, 29):
            first = first_day(date(2026, 2, day), "week", shift)
            assert first.strftime("%A") == name
            assert 0 <= (date(2026, 2, day) - first).days < 7
