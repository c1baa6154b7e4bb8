"""A million orders: the star equals what plain SQL makes of the source, in bounded memory."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.data import change, generate
from benchmarks.measure import measured
from tests.conftest import Databases, Row, query

ROOT = Path(__file__).parents[2]
Totals = dict[str, Row]
LEAST, MOST = 20_000_000, 150_000_000  # bytes; less was never the engine

# What `change` changes.
CHANGED = {
    "dim_users": "user_id % 100 = {number}",
    "dim_products": "product_id % 100 = {number}",
    "fact_orders": "order_id % 100 = {number} AND order_id % 1000 >= 100 OR order_id > {newest}",
}

# Both sides: the rows, their sums, and a hash in which every column of every row counts but not the order
# of the rows. The source's side is written apart from the mapping, from what each column means.
TOTALS = (
    "SELECT count(*), {sums}, sum(hashtextextended(r::text, 0)) FROM ({rows}) AS r WHERE {which}"
)
USERS_SUMS = "sum(user_id), sum(length(name)), count(city)"
PRODUCTS_SUMS = "sum(product_id), sum(price), count(band)"
ORDERS_SUMS = "sum(order_id), sum(quantity), sum(total), sum(unit_price), sum(net_total), sum(vat)"

SOURCE = {
    "dim_users": (
        USERS_SUMS,
        """
        SELECT user_id, name, lower(email) AS email, substring(lower(email) FROM '@(.*)$') AS domain,
               CASE WHEN city IS NULL THEN 'Unknown' ELSE city END AS city, created_at
        FROM users
        """,
    ),
    "dim_products": (
        PRODUCTS_SUMS,
        """
        SELECT product_id, name, price,
               CASE WHEN category IS NULL THEN 'Uncategorised' ELSE category END AS category,
               (ARRAY['low', 'middle', 'high'])[1 + (price >= 20)::int + (price >= 100)::int] AS band
        FROM products
        """,
    ),
    "fact_orders": (
        ORDERS_SUMS,
        """
        SELECT order_id, user_id, product_id, order_date,
               (extract(year FROM order_date) * 10000 + extract(month FROM order_date) * 100
                + extract(day FROM order_date))::int AS order_date_key,
               quantity, total, round(total / quantity, 2) AS unit_price,
               round(total / 1.21, 2) AS net_total, round(total - total / 1.21, 2) AS vat
        FROM orders
        """,
    ),
}
STAR = {
    "dim_users": (
        USERS_SUMS,
        """
        SELECT user_id, name, email, email_domain, city, created_at FROM dim_users WHERE user_key <> -1
        """,
    ),
    "dim_products": (
        PRODUCTS_SUMS,
        """
        SELECT product_id, name, price, category, price_band AS band
        FROM dim_products WHERE product_key <> -1
        """,
    ),
    "fact_orders": (
        ORDERS_SUMS,
        """
        SELECT order_id, user_id, product_id, date AS order_date, order_date_key,
               quantity, total, unit_price, net_total, vat
        FROM fact_orders
        JOIN dim_users USING (user_key)
        JOIN dim_products USING (product_key)
        JOIN dim_date ON date_key = order_date_key
        """,
    ),
}


def totals(
    url: str, sides: dict[str, tuple[str, str]], which: dict[str, str] | None = None
) -> Totals:
    found = {}
    for name, (sums, rows) in sides.items():
        condition = which[name] if which else "true"
        (found[name],) = query(url, TOTALS.format(sums=sums, rows=rows, which=condition))
    return found


def written(url: str) -> list[Row]:
    """Return what every write to the star would change: the newest transaction and the rows of a table."""
    return [
        row
        for name in ("dim_date", *STAR)
        for row in query(url, f"SELECT max(xmin::text::bigint), count(*) FROM {name}")
    ]


def run(databases: Databases) -> dict[str, dict[str, Any]]:
    """Run the engine as a process of its own; return what it did, by entry."""
    command = [sys.executable, "-m", "engine", "run", "mappings/star.yml", "--report", "json"]
    done = measured(command, os.environ | databases.environment, ROOT)
    assert LEAST < done.peak < MOST
    return {entry["name"]: entry for entry in json.loads(done.output)["entries"]}


def test_a_million_orders_are_loaded_once_and_then_what_changes(databases: Databases) -> None:
    source, warehouse = databases.source_admin_url, databases.warehouse_url
    generate(source.replace("+psycopg2", "", 1))
    expected = totals(source, SOURCE)
    assert expected["fact_orders"][0] > 1_000_000

    first = run(databases)
    assert totals(warehouse, STAR) == expected
    assert {name: first[name]["inserted"] for name in STAR} == {
        n: r[0] for n, r in expected.items()
    }

    before = written(warehouse)
    second = run(databases)
    assert written(warehouse) == before
    assert [(done["inserted"], done["updated"]) for done in second.values()] == [(0, 0)] * 4

    ((newest,),) = query(source, "SELECT max(order_id) FROM orders")
    change(source.replace("+psycopg2", "", 1), 7)
    which = {name: condition.format(number=7, newest=newest) for name, condition in CHANGED.items()}
    arrived = totals(source, SOURCE, which)
    third = run(databases)
    assert totals(warehouse, STAR, which) == arrived
    done = {name: third[name]["inserted"] + third[name]["updated"] for name in STAR}
    assert done == {name: row[0] for name, row in arrived.items()}
    assert third["fact_orders"]["inserted"] > 1_000
