"""The star of the stack, as its own containers see it."""

from __future__ import annotations

import psycopg2
import pytest

from tests.compose.stack import PAIRS


def assert_star_is_right(source, warehouse):
    for one, other in PAIRS:
        wanted, found = (
            [tuple(map(str, row)) for row in ask(sql)]
            for ask, sql in ((source, one), (warehouse, other))
        )
        assert len(wanted) > 40
        assert found == wanted


def test_the_star_is_what_plain_sql_on_the_source_says(source, warehouse, run):
    run()
    assert_star_is_right(source, warehouse)


def test_a_second_run_loads_nothing(run):
    run()
    entries = run().values()
    assert len(entries) == 4
    assert all(entry["inserted"] == entry["updated"] == 0 for entry in entries)


def test_changes_and_new_orders_arrive(shop, source, warehouse, run):
    run()
    shop("UPDATE products SET price = price + 1 WHERE product_id = 3")
    shop(
        "INSERT INTO orders (user_id, product_id, quantity, order_date, total)"
        " SELECT 1, 3, 2, '2025-07-01', 40 FROM generate_series(1, 5)"
    )
    entries = run()
    assert entries["dim_products"]["updated"] == 1
    assert entries["fact_orders"]["inserted"] == 5
    assert_star_is_right(source, warehouse)


def test_the_engine_cannot_write_into_the_source(source):
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        source("DELETE FROM orders")


def test_the_ledger_knows_the_runs(warehouse, run):
    run()
    assert ("done",) in warehouse("SELECT status FROM engine.run")
