"""Are two stars the same? Every column of every row, with natural keys in place of surrogate ones."""

from __future__ import annotations

from contextlib import closing

import psycopg2

TABLES = ("dim_date", "dim_users", "dim_products", "fact_orders")

# The columns of days that are made by hand; the engine's calendar has more, which are in its time alone.
DAYS = (
    "date_key, date, year, quarter, month, month_name, week, iso_year, day, day_of_week, day_name, "
    "day_of_year, week_start, month_start, is_weekend, fiscal_year, fiscal_quarter, fiscal_month"
)

ROWS = {
    "dim_date": f"SELECT {DAYS} FROM {{s}}.dim_date",
    "dim_users": """
        SELECT user_key = -1, user_id, name, email, email_domain, city, created_at FROM {s}.dim_users
    """,
    "dim_products": """
        SELECT product_key = -1, product_id, name, category, price, price_band FROM {s}.dim_products
    """,
    "fact_orders": """
        SELECT f.order_date_key, d.date, f.user_key = -1, u.user_id, f.product_key = -1, p.product_id,
               f.order_id, f.quantity, f.total, f.unit_price, f.net_total, f.vat
        FROM {s}.fact_orders AS f
        LEFT JOIN {s}.dim_date AS d ON d.date_key = f.order_date_key
        LEFT JOIN {s}.dim_users AS u ON u.user_key = f.user_key
        LEFT JOIN {s}.dim_products AS p ON p.product_key = f.product_key
    """,
    "columns": """
        SELECT c.relname, CASE WHEN c.relname <> 'dim_date' THEN a.attnum END, a.attname,
               format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = '{s}'::regnamespace AND c.relname IN {tables} AND a.attnum > 0
          AND (c.relname <> 'dim_date' OR a.attname = ANY (string_to_array('{days}', ', ')))
    """,
    "indexes": """
        SELECT c.relname, i.indisprimary, i.indisunique, array_agg(a.attname ORDER BY a.attnum)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
        JOIN pg_attribute AS a ON a.attrelid = i.indexrelid
        WHERE c.relnamespace = '{s}'::regnamespace AND c.relname IN {tables}
        GROUP BY i.indexrelid, c.relname, i.indisprimary, i.indisunique
    """,
}


def differences(url: str, left: str, right: str) -> dict[str, int]:
    """Count, for each table, the rows that only one of two schemas has; empty when they are the same."""
    counts = {}
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET work_mem = '256MB'")
        for name, rows in ROWS.items():
            one, other = (
                rows.format(s=schema, tables=TABLES, days=DAYS) for schema in (left, right)
            )
            cursor.execute(
                f"SELECT (SELECT count(*) FROM ({one} EXCEPT ALL {other}) AS q)"
                f" + (SELECT count(*) FROM ({other} EXCEPT ALL {one}) AS q)"
            )
            ((counts[name],),) = cursor.fetchall()
    return {name: count for name, count in counts.items() if count}
