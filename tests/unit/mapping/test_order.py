"""In which order names come that need each other, and which circles there are."""

from __future__ import annotations

import pytest

from engine.mapping.order import cycles, in_order


@pytest.mark.parametrize(
    ("needs", "order"),
    [
        ({"a": [], "b": [], "c": []}, "a b c"),
        ({"a": ["c"], "b": [], "c": []}, "c a b"),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, "d b c a"),
        ({"b": ["a"], "a": [], "c": ["nowhere"]}, "a b c"),
        ({"a": ["b"], "b": ["a"], "c": []}, "b a c"),  # a circle ends, and hides nobody
    ],
)
def test_what_is_needed_comes_first(needs, order):
    assert in_order(needs) == tuple(order.split())


@pytest.mark.parametrize(
    ("needs", "circles"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["a"]}, [("a",)]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, [("b", "c")]),
        ({"a": ["b"], "b": ["a", "c"], "c": ["c"]}, [("a", "b"), ("c",)]),
    ],
)
def test_circles_are_found_once(needs, circles):
    assert list(cycles(needs)) == circles
