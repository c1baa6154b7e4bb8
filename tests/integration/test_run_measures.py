"""What the warehouse tells of measures, and that it is told once."""

from __future__ import annotations

import pytest

from engine.errors import MappingError
from tests.integration.stars import fact, star, untouched

SALES = "SELECT 1 AS id, 5 AS amount, 2.5 AS price, 'x' AS word"
VIEW = "SELECT * FROM little_measures"
STATE = "SELECT xmin::text, oid::text FROM pg_class WHERE relname = 'little_measures'"


def sales(**columns):
    return star(fact_sale=fact(SALES, {"id": None, **columns}))


def test_measures_are_told_in_comments_and_a_view(stars):
    amount = {"measure": "additive", "unit": "pieces", "description": "It's how many"}
    price = {"measure": "non-additive", "unit": "EUR", "format": "0.00"}
    mapping = sales(amount=amount, price=price)
    stars.run(mapping)
    assert stars.warehouse(VIEW) == [
        ("fact_sale", "amount", "additive", "pieces", "", "It's how many", "sum"),
        (
            *("fact_sale", "price", "non-additive", "EUR", "0.00", ""),
            "do not sum: compute it anew from what it is made of, or take min, max or average",
        ),
    ]
    comments = "SELECT col_description('fact_sale'::regclass, n) FROM generate_series(2, 3) AS n"
    assert stars.column(comments) == [
        "It's how many (additive measure, pieces)",
        "Non-additive measure, EUR",
    ]
    before, view = untouched(stars), stars.warehouse(STATE)
    assert not stars.plan(mapping).schema
    stars.run(mapping, full_refresh=True)
    assert (untouched(stars), stars.warehouse(STATE)) == (before, view)

    stars.run(sales(amount=amount, price={**price, "unit": "USD"}))
    assert stars.column("SELECT unit FROM little_measures") == ["pieces", "USD"]
    assert [oid for _, oid in stars.warehouse(STATE)] == [oid for _, oid in view]
    stars.run(sales(amount=None, price=None))
    assert stars.warehouse(STATE) == []
    assert not stars.plan(sales(amount=None, price=None)).schema


def test_a_measure_is_a_number_and_its_view_takes_nobodys_place(stars):
    with pytest.raises(MappingError, match="measure: a measure, but 'word' is text"):
        stars.run(sales(word={"measure": "additive"}))
    stars.run(sales(word=None))
    stars.warehouse("CREATE VIEW public.little_measures AS SELECT 1 AS one")
    with pytest.raises(MappingError, match="something else has that name"):
        stars.run(sales(price={"measure": "additive"}))
    stars.run(sales(word=None))
    assert stars.column("SELECT one FROM public.little_measures") == [1]
