"""When runs are due, where clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SettingsError
from engine.schedule.timetable import timetable

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def moments(cron, zone, start, count):
    """Return the next moments as a clock on the wall shows them."""
    table, moment, found = timetable(cron, zone, NOW), datetime.fromisoformat(start), []
    for _ in range(count):
        moment = table.next(moment)
        found.append(table.text(moment))
    return found


def test_hours_in_utc():
    assert moments("0 * * * *", "UTC", "2026-03-01T12:00:00+00:00", 2) == [
        "2026-03-01 13:00:00+00:00",
        "2026-03-01 14:00:00+00:00",
    ]


def test_a_time_of_day_is_that_of_the_zone():
    assert moments("30 6 * * 1-5", "Europe/Amsterdam", "2026-03-27T12:00:00+00:00", 2) == [
        "2026-03-30 06:30:00+02:00",
        "2026-03-31 06:30:00+02:00",
    ]


def test_a_moment_that_the_clock_skips_comes_right_after_the_gap():
    assert moments("30 2 * * *", "Europe/Amsterdam", "2026-03-28T12:00:00+00:00", 2) == [
        "2026-03-29 03:00:00+02:00",
        "2026-03-30 02:30:00+02:00",
    ]


def test_a_moment_that_the_clock_shows_twice_comes_once():
    assert moments("30 2 * * *", "Europe/Amsterdam", "2026-10-24T12:00:00+00:00", 2) == [
        "2026-10-25 02:30:00+02:00",
        "2026-10-26 02:30:00+01:00",
    ]


def test_every_hour_is_every_hour_when_the_clock_goes_back():
    assert moments("0 * * * *", "Europe/Amsterdam", "2026-10-24T23:30:00+00:00", 3) == [
        "2026-10-25 02:00:00+02:00",
        "2026-10-25 02:00:00+01:00",
        "2026-10-25 03:00:00+01:00",
    ]


@given(
    st.sampled_from(["* * * * *", "0 * * * *", "30 2 * * *", "15 */6 * * *", "0 3 1 * *"]),
    st.sampled_from(["UTC", "Europe/Amsterdam", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_next_goes_forward_and_last_is_the_one_before(cron, zone, start):
    table = timetable(cron, zone, NOW)
    found = [start]
    for _ in range(4):
        found.append(table.next(found[-1]))
    assert all(one < other for one, other in pairwise(found))
    for one, other in pairwise(found[1:]):
        assert table.last(one) == one
        assert table.last(other.replace(microsecond=1)) == other


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("61 * * * *", "UTC", r"--cron: '61 \* \* \* \*': bad minute"),
        ("hourly", "UTC", "--cron: 'hourly': wrong number of fields"),
        ("", "UTC", "--cron: '': wrong number of fields"),
        ("0 0 30 2 *", "UTC", "--cron: '0 0 30 2 "),
        ("0 * * * *", "Europe/Amsterdm", "there is no time zone 'Europe/Amsterdm'"),
        ("0 * * * *", "", "there is no time zone ''"),
        ("0 * * * *", "../etc/passwd", "there is no time zone"),
    ],
)
def test_what_is_wrong_is_said(cron, zone, said):
    with pytest.raises(SettingsError, match=said):
        timetable(cron, zone, NOW)
