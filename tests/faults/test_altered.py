"""Tables of the source are altered between runs and under one: loaded as they are, or said what is wrong."""

from __future__ import annotations

import threading

import pytest

from tests.conftest import query
from tests.faults.shop import (
    SHOP,
    Gate,
    change,
    content,
    loaded,
    past,
    run_here,
    variant,
    wait_until,
    wanted,
)

KEPT = "CREATE TABLE kept AS SELECT * FROM products"
ANEW = f"""
{KEPT}; DROP TABLE products;
CREATE TABLE products (
    product_id int PRIMARY KEY, name text, category text, price numeric(10,2), updated_at timestamptz
);
INSERT INTO products SELECT * FROM kept
"""
TOUCH = "; UPDATE products SET product_id = product_id"  # to alter a column moves no cursor
USERS = "SELECT user_id, name, email, city, updated_at FROM users"


@pytest.fixture
def held(databases, tmp_path):
    """Give a gate before which two queries of a run stand, so that the products are read after both."""
    query(databases.source_admin_url, "ALTER TABLE orders DROP CONSTRAINT orders_product_id_fkey")
    mapping = variant(
        tmp_path / "held.yml",
        ("        FROM orders", f"        FROM orders {Gate.SOURCE}"),
        (USERS, f"{USERS} {Gate.SOURCE}"),
    )
    with Gate(databases.source_url) as gate:
        yield gate, mapping


def attempt(databases):
    sql = "SELECT attempt FROM engine.run ORDER BY started_at DESC LIMIT 1"
    return query(databases.warehouse_url, sql)[0][0]


@pytest.mark.parametrize(
    ("what", "sql", "attempts"),
    [
        ("truncated", f"{KEPT}; TRUNCATE products; INSERT INTO products SELECT * FROM kept", 2),
        ("rewritten", "ALTER TABLE products ALTER COLUMN price TYPE numeric(12,4)", 2),
        ("made anew", ANEW, 2),
        ("widened", "ALTER TABLE products ALTER COLUMN category TYPE text", 1),
        (
            "emptied by rows",
            f"{KEPT}; DELETE FROM products; INSERT INTO products SELECT * FROM kept",
            1,
        ),
    ],
)
def test_a_table_that_is_altered_under_a_run_is_not_taken_for_empty(
    what, sql, attempts, held, databases, engine
):
    """The snapshot of the run sees no row in a table that has got another file since (a silent loss)."""
    gate, mapping = held
    running = engine(mapping=mapping)
    wait_until(lambda: gate.standing() == 2, "both queries stand at the gate")
    query(databases.source_admin_url, sql)
    gate.open()
    assert running.wait() == 0, running.errors
    assert ("truncated, rewritten or made anew" in running.errors) == (attempts == 2)
    assert [(run.status, run.error) for run in past(databases)] == [("done", None)]
    assert attempt(databases) == attempts
    assert loaded(databases) == wanted(databases)


def test_a_column_that_is_dropped_under_a_run_is_named_at_its_place(held, databases, engine):
    gate, mapping = held
    running = engine(mapping=mapping)
    wait_until(lambda: gate.standing() == 2, "both queries stand at the gate")
    query(databases.source_admin_url, "ALTER TABLE products DROP COLUMN category")
    gate.open()
    assert running.wait() == 2, running.errors
    last = running.errors.splitlines()[-1]
    assert 'dimensions.dim_products.source.query: column "category" does not exist' in last
    assert [(run.status, run.error) for run in past(databases)] == [("failed", last)]
    assert content(databases) == {}
    query(databases.source_admin_url, "ALTER TABLE products ADD COLUMN category varchar(50)")
    run_here(databases)
    assert loaded(databases) == wanted(databases)


def test_who_waits_to_alter_a_table_does_not_stop_the_run_that_he_waits_for(
    databases, engine, tmp_path
):
    """A run that kept its lock on `users` and then read them again would wait for whoever waits for it."""
    twice = ("FROM orders", f"FROM orders LEFT JOIN users AS u USING (user_id) {Gate.SOURCE}")
    query_of_orders = (
        "SELECT order_id, user_id, product_id, quantity, order_date, total, updated_at"
    )
    mapping = variant(
        tmp_path / "twice.yml",
        twice,
        (query_of_orders, query_of_orders.replace("updated_at", "orders.updated_at")),
    )
    done = threading.Event()

    def alter():
        query(databases.source_admin_url, "ALTER TABLE users ADD COLUMN phone text")
        done.set()

    altering = threading.Thread(target=alter)
    with Gate(databases.source_url) as gate:
        running = engine(mapping=mapping)
        gate.wait()
        altering.start()
        waiting = """SELECT 1 FROM pg_stat_activity
                     WHERE query LIKE 'ALTER TABLE users%' AND wait_event_type = 'Lock'"""
        wait_until(lambda: bool(query(databases.source_admin_url, waiting)), "he waits")
        gate.open()
        assert running.wait(20) == 0, running.errors
    altering.join(10)
    assert done.is_set()
    assert loaded(databases) == wanted(databases)


WRONG = 'dimensions.dim_products.source.query: column "{}" does not exist'
REFUSED = (
    "dimensions.dim_products.columns.category: column 'category' of table public.dim_products is character "
    "varying(50), the mapping wants integer, and a change could lose data"
)


@pytest.mark.parametrize(
    ("sql", "said", "mended"),
    [
        (
            "ALTER TABLE products DROP COLUMN category",
            WRONG.format("category"),
            "ALTER TABLE products ADD COLUMN category varchar(50)" + TOUCH,
        ),
        (
            "ALTER TABLE products RENAME COLUMN name TO title",
            WRONG.format("name"),
            "ALTER TABLE products RENAME COLUMN title TO name",
        ),
        (
            "ALTER TABLE products ALTER COLUMN category TYPE int USING length(category)",
            REFUSED,
            "ALTER TABLE products ALTER COLUMN category TYPE varchar(50)" + TOUCH,
        ),
        ("ALTER TABLE products ALTER COLUMN category TYPE text", "", ""),
        ("ALTER TABLE products ALTER COLUMN price TYPE numeric(14,2)", "", ""),
        ("ALTER TABLE products ADD COLUMN weight int NOT NULL DEFAULT 1", "", ""),
    ],
)
def test_a_table_that_was_altered_between_two_runs(sql, said, mended, databases, engine):
    run_here(databases)
    change(databases, 1)
    before = content(databases)
    query(databases.source_admin_url, sql)
    running = engine()
    if said:
        assert running.wait() == 2, running.errors
        # One line: what is wrong, at its place in the mapping.
        last = running.errors.splitlines()[-1]
        assert last.startswith(f"{SHOP}:"), last
        assert said in last, last
        assert content(databases) == before
        newest = past(databases)[0]
        assert newest.status == "failed"
        assert said in newest.error
        query(databases.source_admin_url, mended)
        run_here(databases)
    else:
        assert running.wait() == 0, running.errors
    assert past(databases)[0].status == "done"
    assert loaded(databases) == wanted(databases)
