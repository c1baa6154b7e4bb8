"""Is a star what plain SQL makes of the source? Every column of every row, natural keys for surrogate ones.

Both sides are asked for the number of rows of each table and the sum of a hash of each row: the source,
where what a column means is written apart from the mapping, and the star, joined with its dimensions.
"""

from __future__ import annotations

from contextlib import closing

import psycopg2

TABLES = ("dim_date", "dim_users", "dim_products", "fact_orders")
TOTALS = "SELECT count(*), sum(hashtextextended(r::text, 0)) FROM ({rows}) AS r"

# The columns of days that are made by hand; the engine's calendar has more, which are in its time alone.
DAYS = (
    "date_key, date, year, quarter, month, month_name, week, iso_year, day, day_of_week, day_name, "
    "day_of_year, week_start, month_start, is_weekend, fiscal_year, fiscal_quarter, fiscal_month"
)

SOURCE = {
    "dim_date": """
        SELECT y * 10000 + m * 100 + d AS key, day, y, 1 + (m - 1) / 3, m,
               (ARRAY['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September',
                      'October', 'November', 'December'])[m],
               to_char(day, 'IW')::int, to_char(day, 'IYYY')::int, d, w,
               (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[w],
               day - make_date(y, 1, 1) + 1, day - w + 1, day - d + 1, w IN (6, 7),
               y + (m >= 4)::int, 1 + (m + 8) % 12 / 3, 1 + (m + 8) % 12
        FROM (
            SELECT day, extract(year FROM day)::int AS y, extract(month FROM day)::int AS m,
                   extract(day FROM day)::int AS d, extract(isodow FROM day)::int AS w
            FROM (
                SELECT DATE '2020-01-01' + n AS day
                FROM generate_series(0, DATE '2030-12-31' - DATE '2020-01-01') AS n
            ) AS days
        ) AS parts
        UNION ALL
        SELECT -1, NULL, NULL, NULL, NULL, 'Unknown', NULL, NULL, NULL, NULL, 'Unknown',
               NULL, NULL, NULL, NULL, NULL, NULL, NULL
    """,
    "dim_users": """
        SELECT false, user_id, name, lower(email), substring(lower(email) FROM '@(.*)$'),
               CASE WHEN city IS NULL THEN 'Unknown' ELSE city END, created_at
        FROM users
        UNION ALL SELECT true, NULL, 'Unknown', NULL, NULL, 'Unknown', NULL
    """,
    "dim_products": """
        SELECT false, product_id, name, CASE WHEN category IS NULL THEN 'Uncategorised' ELSE category END,
               price, (ARRAY['low', 'middle', 'high'])[1 + (price >= 20)::int + (price >= 100)::int]
        FROM products
        UNION ALL SELECT true, NULL, 'Unknown', 'Unknown', NULL, NULL
    """,
    "fact_orders": """
        SELECT (extract(year FROM order_date) * 10000 + extract(month FROM order_date) * 100
                + extract(day FROM order_date))::int,
               order_date, user_id IS NULL, user_id, product_id IS NULL, product_id, order_id, quantity,
               total, round(total / quantity, 2), round(total / 1.21, 2), round(total - total / 1.21, 2)
        FROM orders
    """,
}

# A key may be of another type where the tool has a way of its own to make keys; -1 is the unknown member's.
STAR = {
    "dim_date": f"SELECT {DAYS} FROM {{s}}.dim_date",
    "dim_users": """
        SELECT user_key::text = '-1', user_id, name, email, email_domain, city, created_at
        FROM {s}.dim_users
    """,
    "dim_products": """
        SELECT product_key::text = '-1', product_id, name, category, price, price_band
        FROM {s}.dim_products
    """,
    "fact_orders": """
        SELECT f.order_date_key, d.date, f.user_key::text = '-1', u.user_id, f.product_key::text = '-1',
               p.product_id, f.order_id, f.quantity, f.total, f.unit_price, f.net_total, f.vat
        FROM {s}.fact_orders AS f
        LEFT JOIN {s}.dim_date AS d ON d.date_key = f.order_date_key
        LEFT JOIN {s}.dim_users AS u ON u.user_key = f.user_key
        LEFT JOIN {s}.dim_products AS p ON p.product_key = f.product_key
    """,
}

STRUCTURE = {
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

Totals = dict[str, tuple[int, str]]


def expected(url: str) -> Totals:
    """Return what each table of the star has to have, as plain SQL makes it of the source."""
    return _totals(url, SOURCE)


def found(url: str, schema: str) -> Totals:
    """Return what each table of a star has."""
    return _totals(url, {name: rows.format(s=schema) for name, rows in STAR.items()})


def told(wanted: Totals, have: Totals) -> str:
    """Say in which tables a star is not what it has to be; empty when it is."""
    return "; ".join(
        f"{name} has {have[name][0]:,} rows for {rows:,}"
        + ("" if rows != have[name][0] else ", and other values in them")
        for name, (rows, total) in wanted.items()
        if have[name] != (rows, total)
    )


def differences(url: str, left: str, right: str) -> dict[str, int]:
    """Count the columns, with type, NOT NULL and identity, and the indexes that only one of two has."""
    counts = {}
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        for name, rows in STRUCTURE.items():
            one, other = (
                rows.format(s=schema, tables=TABLES, days=DAYS) for schema in (left, right)
            )
            cursor.execute(
                f"SELECT (SELECT count(*) FROM ({one} EXCEPT ALL {other}) AS q)"
                f" + (SELECT count(*) FROM ({other} EXCEPT ALL {one}) AS q)"
            )
            ((counts[name],),) = cursor.fetchall()
    return {name: count for name, count in counts.items() if count}


def _totals(url: str, rows_of: dict[str, str]) -> Totals:
    totals = {}
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET work_mem = '256MB'")
        for name, rows in rows_of.items():
            cursor.execute(TOTALS.format(rows=rows))
            ((count, total),) = cursor.fetchall()
            totals[name] = (count, str(total))
    return totals
