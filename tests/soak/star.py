"""What the star must be, by plain SQL on the source, and how the two differ."""

from __future__ import annotations

from tests.conftest import Databases, Row, query
from tests.faults.shop import digests

# A version for each change of a city, the first since ever, each to the next.
VERSIONS = """
SELECT user_id, city, begins,
       coalesce(lead(begins) OVER (PARTITION BY user_id ORDER BY begins), 'infinity') AS ends
FROM (
  SELECT user_id, city,
         city IS DISTINCT FROM lag(city) OVER seen OR row_number() OVER seen = 1 AS changed,
         CASE WHEN row_number() OVER seen = 1 THEN '-infinity' ELSE changed_at END AS begins
  FROM user_changes WINDOW seen AS (PARTITION BY user_id ORDER BY changed_at)
) AS c
WHERE changed
"""
IN_SOURCE = {
    "dim_users": f"""
        SELECT user_id, name, v.city, begins, ends FROM ({VERSIONS}) AS v JOIN users USING (user_id)
        """,
    "dim_products": "SELECT product_id, name, price FROM products",
    "fact_orders": f"""
        SELECT order_id, o.user_id, v.city, v.begins, product_id, quantity, total, ordered_at
        FROM orders AS o
        JOIN ({VERSIONS}) AS v ON v.user_id = o.user_id AND begins <= ordered_at AND ordered_at < ends
        """,
    "fact_payments": "SELECT payment_id, order_id, amount FROM payments",
}
IN_STAR = {
    "dim_users": "SELECT user_id, name, city, valid_from, valid_to FROM dim_users",
    "dim_products": "SELECT product_id, name, price FROM dim_products",
    "fact_orders": """
        SELECT order_id, user_id, city, valid_from, product_id, quantity, total, ordered_at
        FROM fact_orders LEFT JOIN dim_users USING (user_key) LEFT JOIN dim_products USING (product_key)
        """,
    "fact_payments": "SELECT payment_id, order_id, amount FROM fact_payments",
}
SHOWN = 5  # rows of a difference


def rows(databases: Databases) -> dict[str, int]:
    """Return how many rows each table of the star has."""
    return {name: digest[0] for name, digest in digests(databases.warehouse_url, IN_STAR).items()}


def differences(databases: Databases) -> list[str]:
    """Return what plain SQL on the source and the star do not agree on, nothing when they are equal."""
    wanted, loaded = (
        digests(databases.source_admin_url, IN_SOURCE),
        digests(databases.warehouse_url, IN_STAR),
    )
    differing = [name for name in IN_SOURCE if wanted[name] != loaded[name]]
    return [line for name in differing for line in _named(databases, name)]


def _named(databases: Databases, name: str) -> list[str]:
    """Name the rows of a table that are lost, and those that should not be there."""
    there, here = (
        _all(databases.source_admin_url, IN_SOURCE[name]),
        _all(databases.warehouse_url, IN_STAR[name]),
    )
    lost, extra = sorted(there - here), sorted(here - there)
    total = query(databases.warehouse_url, f"SELECT count(*) FROM ({IN_STAR[name]}) AS r")[0][0]
    return [
        f"{name}: {len(lost):,} rows are missing, {len(extra):,} wrong, {total - len(here):,} doubled",
        *(f"{name}: missing {row}" for row in lost[:SHOWN]),
        *(f"{name}: wrong {row}" for row in extra[:SHOWN]),
    ]


def _all(url: str, sql: str) -> set[Row]:
    return set(query(url, f"SET timezone = 'UTC'; SELECT r::text FROM ({sql}) AS r"))
