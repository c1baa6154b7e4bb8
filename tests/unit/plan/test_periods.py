"""Periods follow each other without a gap, each day in one."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.plan.periods import EARLIEST, LATEST, ago, following, label, start

PERIOD = st.sampled_from(["day", "week", "month", "year"])
DAY = st.dates(EARLIEST, LATEST - timedelta(days=1))


@settings(deadline=None)
@given(DAY, PERIOD)
def test_a_day_lies_in_the_one_period_that_begins_at_its_start(day, every):
    first = start(day, every)
    assert first <= day < following(first, every)
    assert start(first, every) == first
    if following(first, every) < LATEST:
        assert start(following(first, every), every) == following(first, every)


@settings(deadline=None)
@given(st.lists(DAY, min_size=2, max_size=2), PERIOD)
def test_different_periods_have_different_names(days, every):
    one, other = (start(day, every) for day in days)
    assert (label(one, every) == label(other, every)) == (one == other)


@settings(deadline=None)
@given(DAY, PERIOD, st.integers(0, 30))
def test_so_many_periods_on_and_back_is_where_it_was(day, every, count):
    first = start(day, every)
    later = following(first, every, count)
    assert later >= first
    assert later == LATEST or following(later, every, -count) == first


def test_some_periods_of_old():
    assert label(date(26, 1, 5), "week") == "00260105"
    assert label(date(2026, 12, 1), "month") == "202612"
    assert ago(date(2026, 3, 31), 1, "month") == date(2026, 2, 28)
    assert ago(date(2024, 2, 29), 1, "year") == date(2023, 2, 28)
    assert ago(date(2026, 1, 5), 2, "week") == date(2025, 12, 22)
    assert ago(date(2026, 1, 5), 9999, "year") == date(1, 1, 5)
    assert following(date(9998, 12, 1), "month", 5) == LATEST
