"""Medians, ratios and goals: what was measured, held against what is wanted."""

import json

import pytest

from benchmarks import results
from tests.unit.benchmarks.measured import growth, load


def found(done):
    return {goal.what: (goal.found, goal.met) for goal in results.goals(done)}


def test_a_ratio_is_that_of_each_round_and_the_goal_goes_by_their_median():
    done = {"loads": {"1": load(full={"engine": [4.0, 2.0, 9.0], "by hand": [2.0, 4.0, 3.0]})}}
    assert results.ratios(done["loads"]["1"], "full") == [2.0, 0.5, 3.0]
    assert found(done)["full load at SCALE 1, times by hand"] == ("2.00", False)


def test_goals_of_scale_one_are_met_up_to_their_value():
    met = found({"loads": {"1": load(changed={"engine": [0.6], "by hand": [1.0]})}})
    assert met["1 % changed at SCALE 1, s"] == ("0.60", True)
    assert met["nothing changed at SCALE 1, s"] == ("0.40", True)
    missed = found({"loads": {"1": load(changed={"engine": [0.61], "by hand": [1.0]})}})
    assert missed["1 % changed at SCALE 1, s"] == ("0.61", False)


def test_seconds_of_another_scale_have_no_goal_but_ratio_and_memory_have():
    assert list(found({"loads": {"5": load()}})) == [
        "full load at SCALE 5, times by hand",
        "peak memory at SCALE 5, MB",
    ]
    assert list(found({"loads": {"0.1": load()}})) == ["peak memory at SCALE 0.1, MB"]


def test_another_number_of_changes_is_no_1_percent():
    other = load() | {"changes": 500}
    assert "1 % changed at SCALE 1, s" not in found({"loads": {"1": other}})
    assert results.phase_name(other, "changed") == "500 changed"
    assert results.phase_name(load(), "changed") == "1 % changed"


def test_memory_is_the_most_that_was_held_anywhere():
    done = {
        "loads": {"1": load()},
        "growth": growth({"1": (4.0, 1.0), "2": (8.0, 1.0)}, peak=101e6),
    }
    assert found(done)["peak memory at SCALE 1, MB"] == ("101", False)
    assert found(done)["peak memory at SCALE 2, MB"] == ("101", False)
    assert found({"loads": {"1": load()}})["peak memory at SCALE 1, MB"] == ("80", True)


@pytest.mark.parametrize(("seconds", "met"), [(19.0, True), (24.0, False), (16.0, False)])
def test_growth_is_by_row_against_scale_one(seconds, met):
    goals = found({"loads": {}, "growth": growth({"1": (4.0, 1.0), "5": (seconds, 1.0)})})
    share = f"{seconds / 5 / 4:.2f}"
    assert goals["time per row of a full load at SCALE 5, times SCALE 1"] == (share, met)


@pytest.mark.parametrize(("seconds", "met"), [(1.3, True), (1.31, False), (0.69, False)])
def test_the_same_changes_may_take_a_third_more_at_scale_five(seconds, met):
    goals = found({"loads": {}, "growth": growth({"1": (4.0, 1.0), "5": (20.0, seconds)})})
    assert goals["the same number changed at SCALE 5, times SCALE 1"] == (f"{seconds:.2f}", met)


def test_results_are_kept_scale_by_scale(tmp_path):
    assert results.read(tmp_path) == {"loads": {}}
    done = {"loads": {"1": load(), "5": load()}}
    results.write(tmp_path, done)
    assert results.read(tmp_path) == done
    assert list(json.loads((tmp_path / "results.json").read_text())["loads"]) == ["1", "5"]


def test_scales_are_in_order_of_size():
    assert [scale for scale, _ in results.by_size({"10": 1, "2": 1, "0.5": 1})] == [
        "0.5",
        "2",
        "10",
    ]
    assert [results.label(scale) for scale in (1.0, 0.01, 10.0)] == ["1", "0.01", "10"]
