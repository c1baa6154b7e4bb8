"""The page of results: a table of Markdown for each scale, with goals met and missed."""

from benchmarks.table import page, table
from tests.unit.benchmarks.measured import growth, load


def rows(text):
    """Return the cells of all tables by their first one."""
    lines = (line.strip("| ").split("|") for line in text.splitlines() if line.startswith("|"))
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_a_table_is_aligned_with_numbers_to_the_right():
    assert list(table(["", "engine, s"], iter([["full", "3.00"], ["nothing at all", "0.4"]]))) == [
        "|                | engine, s |",
        "| -------------- | --------: |",
        "| full           |      3.00 |",
        "| nothing at all |       0.4 |",
    ]


def test_seconds_are_medians_of_everybody_and_the_ratio_that_of_each_round():
    full = {"engine": [4.0, 2.0, 9.0], "by hand": [2.0, 4.0, 3.0], "pygrametl": [11.0, 12.0, 50.0]}
    text = page({"loads": {"1": load(full=full, names=tuple(full))}})
    assert rows(text)["full load, s"] == ["4.00", "3.00", "12.00", "2.00", "2.00 0.50 3.00"]
    assert rows(text)["peak memory, MB"][:3] == ["80", "80", "80"]


def test_goals_say_met_or_missed():
    found = rows(page({"loads": {"1": load()}}))
    assert found["full load at SCALE 1, times by hand"] == ["at most 0.8", "1.00", "**missed**"]
    assert found["engine validate, s"] == ["at most 0.4", "0.20", "met"]


def test_who_could_not_be_installed_is_named_with_the_reason():
    text = page({"loads": {"1": load() | {"absent": {"dlt + dbt": "no such version"}}}})
    assert "dlt + dbt is not in it: no such version" in text


def test_the_parts_of_the_engines_time_add_up():
    found = rows(page({"loads": {"1": load()}}))
    assert found["full load"] == ["0.40", "0.10", "0.20", "1.00", "0.05", "0.03", "1.78"]


def test_growth_has_a_row_for_each_scale():
    text = page({"loads": {}, "growth": growth({"10": (40.0, 1.2), "1": (4.0, 1.0)})})
    found = rows(text)
    assert found["1"] == ["1,000,000", "4.00", "4.00", "1.00", "0.40", "80"]
    assert found["10"] == ["10,000,000", "40.00", "4.00", "1.20", "0.40", "80"]
    assert list(found).index("1") < list(found).index("10")
