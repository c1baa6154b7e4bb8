"""Where a run's time goes: parts of the whole process that add up, found in its log."""

import json
from datetime import UTC, datetime

import pytest

from benchmarks.where import slowest, where


def log(*lines):
    """Write lines of (second, message, step, seconds) as the engine does."""
    return "\n".join(
        json.dumps(
            {
                "timestamp": f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3]
                + "Z",
                "message": message,
                "step": step,
                **({} if seconds is None else {"seconds": seconds}),
            }
        )
        for second, message, step, seconds in lines
    )


RUN = log(
    (101.0, "begin create table", "f: create table", None),
    (101.1, "begin copy", "f: copy", None),
    (101.2, "create table", "f: create table", 0.2),
    # The rows have arrived at 103; they are told when the loading asks for them.
    (103.0, "copy", "f: copy", 1.9),
    (103.0, "begin insert new", "f: insert new", None),
    (104.0, "insert new", "f: insert new", 1.0),
    (104.0, "begin check unique", "f: check unique", None),
    (104.5, "check unique", "f: check unique", 0.5),
)


def test_the_parts_add_up_to_the_process():
    parts = where(RUN, began=100.0, entered=100.6, ended=105.0)
    assert {part: round(seconds, 3) for part, seconds in parts.items()} == {
        "start": 0.6,
        "read": 0.4,
        "stage": 1.8,
        "load": 1.2,
        "check": 0.5,
        "commit": 0.5,
    }
    assert sum(parts.values()) == pytest.approx(5.0)


def test_what_is_done_beside_the_loading_counts_once():
    """The analysis of a stage is told late, with the seconds it took then: it is no time of the loading."""
    late = log(
        (101.0, "begin analyze", "f: analyze", None),
        (103.0, "begin insert new", "d: insert new", None),
        (104.0, "insert new", "d: insert new", 1.0),
        (104.0, "analyze", "f: analyze", 0.5),
    )
    parts = where(late, began=100.0, entered=100.0, ended=104.0)
    assert (round(parts["load"], 3), round(parts["stage"], 3)) == (1.0, 2.0)


def test_other_lines_and_a_run_without_checks_are_borne():
    text = "a warning\n" + log(
        (101.0, "begin copy", "f: copy", None), (102.0, "copy", "f: copy", 1.0)
    )
    parts = where(text, began=100.0, entered=100.5, ended=102.5)
    assert (round(parts["stage"], 3), parts["check"], round(parts["commit"], 3)) == (1.0, 0.0, 0.5)


def test_a_log_without_steps_is_refused():
    with pytest.raises(ValueError, match="LOG_LEVEL=debug"):
        where("", 0.0, 0.0, 0.0)


def test_the_slowest_steps_come_first():
    steps = [
        {"entry": "f", "title": "copy", "seconds": 0.5, "rows": 1},
        {"entry": "f", "title": "load", "seconds": 1.5, "rows": 2000},
    ]
    assert list(slowest({"steps": steps}, 1)) == ["   1.500  f: load, 2,000 rows"]
