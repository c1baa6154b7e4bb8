"""The star of mappings/showcase.yml on its seed: every technique at once, against plain SQL on the source."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml

from engine.database.embedded import seed
from tests.conftest import ROOT, Databases, query_outside
from tests.integration.stars import STAR, Stars, counts, notices, untouched

SHOWCASE = ROOT / "mappings/showcase.yml"
SEED = sorted((ROOT / "init/showcase").glob("*.sql"))
# Words that say the same in another way, or that a mapping for learning has no use for.
ELSEWHERE = {
    "connection": "README.md",
    "include": "docs/cookbook/conformed.md",
    "table": "docs/mapping-reference.md",
    "language": "docs/mapping-reference.md",
}


@pytest.fixture
def showcase(servers, tmp_path):
    source, warehouse = servers.source, servers.warehouse
    query_outside(source, "CREATE DATABASE showcase")
    query_outside(warehouse, f"CREATE DATABASE showcase OWNER {warehouse.owner}")
    source, warehouse = (
        replace(source, database="showcase"),
        replace(warehouse, database="showcase"),
    )
    seed(source, SEED)
    stars = Stars(Databases(source, warehouse), tmp_path)
    stars.source("GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC")
    try:
        yield stars
    finally:
        for server in (source, warehouse):
            query_outside(
                replace(server, database="postgres"), "DROP DATABASE showcase WITH (FORCE)"
            )


def same(stars, star, source):
    """Compare what the star says with what the source says."""
    assert stars.warehouse(f"SELECT q::text FROM ({star}) AS q ORDER BY 1") == stars.source(
        f"SELECT q::text FROM ({source}) AS q ORDER BY 1"
    )


def test_every_technique_at_once(showcase):
    report = showcase.run(SHOWCASE)
    assert counts(report, "fact_order_lines") == {"read": 600, "inserted": 599, "held": 1}
    assert counts(report, "dim_accounts") == {"read": 20, "inserted": 20, "inferred": 1}
    assert "dim_accounts: 1 member is inferred" in notices(report)
    assert all(check.status == "pass" for check in report.checks)
    open_orders = (
        "SELECT count(*) FROM fact_orders JOIN dim_ship_date AS s USING (ship_date_key) "
        "WHERE s.day_name = 'not yet'"
    )
    assert showcase.warehouse(open_orders) == showcase.source(
        "SELECT count(*) FROM orders WHERE shipped_at IS NULL"
    )
    assert "dim_employees: " in notices(report), "the manager of employee 11 has left"
    compare(showcase)
    before = untouched(showcase)
    showcase.run(SHOWCASE)
    assert untouched(showcase) == before

    showcase.source(
        "UPDATE customers SET city = 'Kyiv', updated_at = '2026-05-01' WHERE customer_id = 3;"
        "DELETE FROM account_holders WHERE account_id = 9;"
        "UPDATE orders SET delivered_at = '2026-05-02', updated_at = '2026-05-02' WHERE order_id = 280;"
        "INSERT INTO products VALUES (99, 'Late', 1, 9.99, '2026-05-02');"
        "INSERT INTO accounts VALUES (21, 'XX21', '2026-03-01');"
        "UPDATE employees SET manager_id = 1, updated_at = '2026-05-02' WHERE employee_id = 11;"
        "INSERT INTO orders SELECT 301, 'A-00301', 3, account_id, employee_id, channel, payment, is_gift, "
        "'2026-06-01', NULL, NULL, NULL, '2026-06-01' FROM orders WHERE order_id = 1;"
        "INSERT INTO order_lines VALUES (301, 1, 5, 2, 20)"
    )
    report = showcase.run(SHOWCASE)
    assert counts(report, "dim_customers")["closed"] == 1
    assert counts(report, "dim_employees")["updated"] == 1
    assert counts(report, "fact_order_lines")["inserted"] == 2, (
        "the new one, and the one that waited"
    )
    compare(showcase)
    assert showcase.column(
        "SELECT city FROM fact_orders JOIN dim_customers USING (customer_key) WHERE order_id = 301"
    ) == ["Kyiv"]
    assert showcase.column(
        "SELECT DISTINCT current_city FROM dim_customers WHERE customer_id = 3"
    ) == ["Kyiv"]
    assert showcase.column(
        "SELECT p.name FROM fact_order_lines JOIN dim_products AS p USING (product_key) "
        "WHERE order_id = 150 AND line_number = 1"
    ) == ["Late"]
    assert counts(report, "fact_stock")["filled"] == 1, "of Late nothing has moved"
    assert showcase.warehouse(
        "SELECT count(*), sum(pieces) FROM fact_stock JOIN dim_products USING (product_key) "
        "WHERE name = 'Late'"
    ) == [(1, 0)]
    assert "fact_order_lines" not in notices(report), "nobody waits any more"
    assert counts(report, "dim_accounts") == {"read": 21, "unchanged": 20, "updated": 1}
    assert showcase.column(
        "SELECT iban FROM fact_orders JOIN dim_accounts USING (account_key) WHERE order_id = 200"
    ) == ["XX21"]

    showcase.source(
        "UPDATE orders SET employee_id = NULL, updated_at = '2026-06-02' WHERE employee_id = 12;"
        "DELETE FROM employees WHERE employee_id IN (11, 12);"
        "DELETE FROM order_lines WHERE order_id = 301"
    )
    assert counts(showcase.run(SHOWCASE), "fact_order_lines")["deleted"] == 1
    compare(showcase)
    showcase.run(SHOWCASE)  # now no order is of employee 12
    gone = "SELECT employee_id, is_deleted FROM dim_employees WHERE employee_id > 9 ORDER BY 1"
    assert showcase.warehouse(gone) == [(10, False), (11, True)]
    tree = "JOIN dim_employees ON employee_key = descendant_key"
    assert showcase.column(f"SELECT max(employee_id) FROM dim_employees_hierarchy {tree}") == [11]


def compare(stars):
    """Compare each table with plain SQL on the source."""
    same(
        stars,
        "SELECT order_id, account_id, age_band, income_band, channel, payment, is_gift, employee_id, "
        "o.date, s.date FROM fact_orders JOIN dim_accounts USING (account_key) "
        "JOIN dim_profiles USING (profile_key) JOIN dim_order_flags USING (order_flags_key) "
        "JOIN dim_employees USING (employee_key) LEFT JOIN dim_order_date AS o USING (order_date_key) "
        "LEFT JOIN dim_ship_date AS s USING (ship_date_key)",
        "SELECT order_id, account_id, age_band, income_band, channel, payment, is_gift, employee_id, "
        "ordered_at::date, shipped_at::date FROM orders LEFT JOIN customers USING (customer_id)",
    )
    same(
        stars,
        "SELECT order_id, line_number, product_id, quantity, amount FROM fact_order_lines "
        "JOIN dim_products USING (product_key)",
        "SELECT order_id, line_number, product_id, quantity, amount FROM order_lines "
        "JOIN products USING (product_id)",
    )
    same(
        stars,
        "SELECT order_id, order_number, order_to_pay, order_to_deliver FROM fact_orders",
        "SELECT order_id, order_number, (extract(epoch FROM paid_at - ordered_at) / 3600)::numeric(18,2), "
        "(extract(epoch FROM delivered_at - ordered_at) / 86400)::numeric(18,2) FROM orders",
    )
    same(
        stars,
        "SELECT right(tableoid::regclass::text, 6), count(*), sum(quantity), sum(amount) "
        "FROM fact_order_lines GROUP BY 1",
        "SELECT to_char(ordered_at, 'YYYYMM'), count(*), sum(quantity), sum(amount) FROM order_lines "
        "JOIN orders USING (order_id) JOIN products USING (product_id) GROUP BY 1",
    )
    same(
        stars,
        "SELECT month, sum(amount) FROM agg_sales_month GROUP BY 1",
        "SELECT date_trunc('month', ordered_at)::date, sum(amount) FROM order_lines "
        "JOIN orders USING (order_id) JOIN products USING (product_id) GROUP BY 1",
    )
    same(
        stars,
        "SELECT month, sum(pieces) FROM fact_stock WHERE month < '2026-05-01' GROUP BY 1",
        "SELECT m::date, (SELECT sum(quantity) FROM stock_movements WHERE moved_at < m + interval '1 month') "
        "FROM generate_series(timestamp '2026-01-01', '2026-04-01', '1 month') AS m",
    )
    same(
        stars,
        "SELECT account_id, customer_id, weight FROM bridge_account_holders JOIN dim_accounts "
        "USING (account_key) JOIN dim_customers_current USING (customer_durable_key)",
        "SELECT account_id, customer_id, share FROM account_holders",
    )
    same(
        stars,
        "SELECT d.employee_id, count(*) FROM dim_employees_hierarchy "
        "JOIN dim_employees AS d ON employee_key = descendant_key "
        "WHERE employee_key > 0 AND NOT d.is_deleted GROUP BY 1",
        "WITH RECURSIVE up AS (SELECT employee_id, employee_id AS above FROM employees UNION ALL "
        "SELECT up.employee_id, m.employee_id FROM up JOIN employees AS e ON e.employee_id = up.above "
        "JOIN employees AS m ON m.employee_id = e.manager_id) "
        "SELECT employee_id, count(*) FROM up GROUP BY 1",
    )
    assert stars.column("SELECT count(*) FROM fact_promoted_products") == [70]


def test_it_shows_every_word_of_the_language():
    schema = json.loads((ROOT / "engine/mapping/schema.json").read_text())
    shown = [yaml.load(file.read_text("utf-8"), yaml.BaseLoader) for file in (SHOWCASE, STAR)]
    used = words(shown)
    missing = known(schema) - used - set(ELSEWHERE)
    assert not missing, "show it in mappings/showcase.yml, or say where it is shown"
    for word, page in ELSEWHERE.items():
        assert re.search(rf"\b{word}\b", (ROOT / page).read_text(encoding="utf-8")), word
        assert word not in used, f"{word} is shown: it need not be told where"
    of = schema["$defs"]
    choices = [of[kind]["properties"]["load"] for kind in ("dimension", "fact")]
    choices += [
        of["lookup"]["properties"]["missing"],
        of["delete_policy"],
        of["measure"]["anyOf"][0],
    ]
    missing = {value for choice in choices for value in choice["enum"]} - scalars(shown)
    assert not missing, "each value of these is a technique: show it in mappings/showcase.yml"


def words(data):
    """Return every key of a mapping."""
    if isinstance(data, dict):
        return set(data).union(*map(words, data.values()))
    return set().union(*map(words, data)) if isinstance(data, list) else set()


def scalars(data):
    """Return every value of a mapping that is no map and no list."""
    if isinstance(data, dict | list):
        return set().union(*map(scalars, data.values() if isinstance(data, dict) else data))
    return {data}


def known(schema):
    """Return every word that a mapping may have as a key."""
    found = set()
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        found |= set(properties)
        found = found.union(*map(known, schema.values()), *map(known, properties.values()))
    elif isinstance(schema, list):
        found = found.union(*map(known, schema))
    return found - {"properties", "description", "const"}
