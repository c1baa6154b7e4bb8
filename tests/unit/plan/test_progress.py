"""The watermark loses nothing: on its own cases, and on simulated sources of many transactions."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from engine.plan.progress import Activity, Mark, Progress, advance, base, lag_of, reading


def activity(moment, oldest=None, *, prepared=False, exact=True, visible=True):
    return Activity(moment, oldest, prepared, exact, visible)


def test_a_quiet_source_settles_at_once():
    reached = advance(Progress(None), Mark(100, "7"), activity(100), None)
    assert (reached.settled, reached.marks) == (Mark(100, "7"), ())


def test_an_open_transaction_holds_back_the_marks_after_its_begin():
    older = Progress(Mark(10, "1"), (Mark(50, "3"),))
    reached = advance(older, Mark(100, "7"), activity(100, oldest=60), None)
    assert reached.settled == Mark(50, "3")
    assert reached.marks == (Mark(100, "7"),)


def test_several_cursors_settle_together_each_at_its_own_value():
    mark = Mark(100, "7", ("2026-01-01", None))
    reached = advance(Progress(None, (), "here", "f"), mark, activity(100), None)
    read = reading(reached, identity="here", fingerprint="f", now=200, full_refresh=False)
    assert read.lows(3) == ("7", "2026-01-01", None)
    assert reading(
        Progress(Mark(1, "7"), (), "here", "f"),
        identity="here",
        fingerprint="f",
        now=200,
        full_refresh=False,
    ).lows(2) == ("7", None)


def test_the_longest_lag_counts_and_where_nothing_is_seen_one_without_has_the_default():
    assert lag_of([None, None], visible=False) is None
    assert lag_of([60, None, 120], visible=True) == 120
    assert lag_of([60, None], visible=False) == 3600
    assert lag_of([7200, None], visible=False) == 7200


def test_a_prepared_transaction_holds_everything():
    reached = advance(Progress(Mark(10, "1")), Mark(100, "7"), activity(100, prepared=True), None)
    assert (reached.settled, reached.marks) == (Mark(10, "1"), (Mark(100, "7"),))


def test_marks_that_wait_for_long_are_thinned_and_still_settle_what_they_can():
    reached = Progress(Mark(1, "0"))
    for n in range(2, 2000):
        reached = advance(reached, Mark(n, str(n)), activity(n, oldest=1), None)
    moments = [mark.moment for mark in reached.marks]
    assert len(moments) <= 64
    assert moments == sorted(moments)
    assert (moments[0], moments[-1]) == (2, 1999)
    assert moments[-32:] == list(range(1968, 2000))
    ended = advance(reached, Mark(2000, "2000"), activity(2000), None)
    assert ended == Progress(Mark(2000, "2000"))


def test_an_inexact_mark_waits_for_the_next_read():
    first = advance(Progress(None), Mark(100, "7"), activity(100, exact=False), None)
    assert (first.settled, first.marks) == (None, (Mark(100, "7"),))
    second = advance(first, Mark(200, "9"), activity(200, exact=False), None)
    assert second.settled == Mark(100, "7")


def test_a_lag_holds_back_younger_marks():
    reached = advance(Progress(None), Mark(100, "7"), activity(100), lag=1)
    assert reached.settled is None
    later = advance(reached, Mark(2_000_000, "9"), activity(2_000_000), lag=1)
    assert later.settled == Mark(100, "7")


def test_without_sight_of_the_sessions_a_lag_decides():
    hour = 3_600_000_000
    reached = advance(Progress(None), Mark(100, "7"), activity(100, visible=False), None)
    assert reached.settled is None
    later = advance(reached, Mark(hour + 101, "9"), activity(hour + 101, visible=False), None)
    assert later.settled == Mark(100, "7")
    trusting = advance(Progress(None), Mark(100, "7"), activity(100, visible=False), 0)
    assert trusting.settled == Mark(100, "7")


KNOWN = Progress(Mark(1, "5"), (), "cluster", "definition")


def read(progress, **changes):
    same = {"identity": "cluster", "fingerprint": "definition", "now": 2, "full_refresh": False}
    return reading(progress, **(same | changes))


def test_a_read_begins_at_the_watermark():
    assert read(KNOWN).low == "5"
    assert not read(KNOWN).reason


def test_the_first_read_begins_at_the_beginning_and_says_nothing():
    assert (read(Progress(None)).low, read(Progress(None)).reason) == (None, "")


def test_what_the_watermark_was_made_with_must_be_the_same():
    for changed in (
        {"identity": "other"},
        {"fingerprint": "other"},
        {"now": 0},
        {"full_refresh": True},
        {"lost": "its table is empty"},
    ):
        again = read(KNOWN, **changed)
        assert again.low is None
        assert again.reconcile
        assert "everything is read" in again.reason


def test_progress_of_another_definition_is_forgotten():
    assert base(KNOWN, "cluster", "definition", 2) is KNOWN
    assert base(KNOWN, "cluster", "new", 2) == Progress(None, (), "cluster", "new")


def test_progress_by_a_clock_that_was_set_back_is_forgotten():
    assert base(KNOWN, "cluster", "definition", 0) == Progress(None, (), "cluster", "definition")
    waiting = Progress(None, (Mark(5, "9"),), "cluster", "definition")
    assert base(waiting, "cluster", "definition", 4).marks == ()


@dataclass(frozen=True)
class Transaction:
    """A writer: begins, draws its cursors any time before it ends, then commits them."""

    begin: int
    draws: tuple[int, ...]
    end: int


@st.composite
def transactions(draw):
    begin = draw(st.integers(0, 60))
    length = draw(st.integers(1, 40))
    at = draw(st.lists(st.integers(begin, begin + length), min_size=1, max_size=4))
    return Transaction(begin, tuple(sorted(at)), begin + length)


@given(
    st.lists(transactions(), min_size=1, max_size=12),
    st.lists(st.integers(1, 120), min_size=1, max_size=12, unique=True),
    st.data(),
)
def test_no_row_is_lost_whatever_commits_when(writers, reads, data):
    """Rows take a number from one growing sequence when drawn, and appear when their writer commits."""
    drawn = sorted((at, n, i) for n, w in enumerate(writers) for i, at in enumerate(w.draws))
    rows = [(number, writers[n].end) for number, (_, n, _) in enumerate(drawn)]
    progress, seen = Progress(None), set()
    for moment in [*sorted(reads), 1000, 1001]:
        visible = {number for number, end in rows if end <= moment}
        low = progress.settled.high if progress.settled else None
        got = {number for number in visible if low is None or number >= int(low)}
        seen |= got
        high = str(max(got)) if got else low
        begins = [w.begin for w in writers if w.begin <= moment < w.end]
        progress = advance(
            progress,
            Mark(moment, high),
            activity(moment, min(begins, default=None), exact=data.draw(st.booleans())),
            None,
        )
    assert seen == {number for number, _ in rows}
