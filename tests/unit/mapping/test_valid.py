"""Every example in tests/mappings/valid loads, and so does the star of the demo."""

from pathlib import Path

import pytest

from engine.mapping.load import load

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "tests" / "mappings" / "valid").glob("*.yml"))


def test_there_are_examples():
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_load(path):
    loaded = load(path)
    assert loaded.star.entries
    for entry in loaded.star.entries:
        assert loaded.document.place(entry.path).line > 0
        for part in (*entry.columns, *entry.checks):
            assert part.path.startswith(entry.path)
            assert loaded.document.place(part.path).line > 0


def test_the_star_of_the_demo_loads():
    star = load(ROOT / "mappings" / "star.yml").star
    assert [entry.name for entry in star.entries] == [
        "dim_date",
        "dim_users",
        "dim_products",
        "fact_orders",
    ]
