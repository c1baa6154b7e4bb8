"""Conditions on columns."""

from __future__ import annotations

import pytest

from engine.sql.fragments import distinct


@pytest.mark.parametrize(
    ("type_", "left"),
    [
        ("text", 't."a"'),
        ("json", 't."a"::text'),
        (
            "xml",
            't."a"::text',
        ),  # a server may be built without it, so that no other test can say so
        ("box", 't."a"::text'),
    ],
)
def test_a_type_without_equality_is_compared_as_another(type_, left):
    right = left.replace("t.", "s.")
    assert distinct(["a"], {"a": type_}, "t", "s") == f"({left} is distinct from {right})"
