"""The plots: SVG that is the same for the same figures, and readable on light and dark pages."""

from xml.etree import ElementTree

import pytest

from benchmarks.plot import INK, of_growth, of_load
from tests.unit.benchmarks.measured import growth, load

NAMES = ("engine", "by hand", "dlt + dbt", "pygrametl")


def load_plot():
    return of_load("1", load(names=NAMES))


def growth_plot():
    return of_growth(growth({"1": (4.0, 1.0), "2": (8.0, 1.1), "5": (21.0, 1.2)}))


PLOTS = pytest.mark.parametrize("draw", [load_plot, growth_plot])


def texts(svg):
    nodes = ElementTree.fromstring(svg).iter()
    return {"".join(node.itertext()).strip() for node in nodes if "text" in node.tag}


@PLOTS
def test_the_same_figures_give_the_same_bytes(draw):
    assert draw() == draw()


@PLOTS
def test_text_and_axes_have_the_colour_of_the_page_and_nothing_is_painted_behind_them(draw):
    svg = draw()
    assert "prefers-color-scheme: dark" in svg
    assert INK not in svg
    assert "currentColor" in svg
    assert "fill: #ffffff" not in svg
    assert "fill: #000000" not in svg


@PLOTS
def test_text_is_text(draw):
    assert "peak memory, MB" in texts(draw())


def test_a_load_names_everybody_and_every_part():
    found = texts(load_plot())
    assert found >= {*NAMES, "start", "read", "stage", "load", "check", "commit"}
    assert found >= {"full load, s", "1 % changed, s", "nothing changed, s", "3.00", "80"}


def test_growth_shows_time_by_row_and_the_changes():
    assert texts(growth_plot()) >= {"full load, µs per row", "10,000 changed", "nothing changed"}
