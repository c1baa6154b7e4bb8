"""What people are told of a measure."""

import pytest

from engine.mapping.measures import described, how_to_aggregate
from engine.mapping.model import Column, Measure


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (Column("a"), ""),
        (Column("a", description="What it is"), "What it is"),
        (Column("a", measure=Measure("additive")), "Additive measure"),
        (Column("a", measure=Measure("additive"), unit="EUR"), "Additive measure, EUR"),
        (
            Column("a", description="Paid", measure=Measure("non-additive"), unit="EUR"),
            "Paid (non-additive measure, EUR)",
        ),
    ],
)
def test_a_comment_says_what_a_measure_is(column, text):
    assert described(column) == text


def test_a_semi_additive_measure_says_over_what_it_is_not_summed():
    keys = Column("a", measure=Measure("semi-additive", ("day_key", "month")))
    assert "not over day_key, month:" in how_to_aggregate(keys)
    assert "not over time:" in how_to_aggregate(Column("a", measure=Measure("semi-additive")))
    assert how_to_aggregate(Column("a", measure=Measure("additive"))) == "sum"
    assert "do not sum" in how_to_aggregate(Column("a", measure=Measure("non-additive")))
