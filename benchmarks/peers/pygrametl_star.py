"""pygrametl: the star from empty tables in bulk; after the first time, what has changed.

Wants SOURCE and WAREHOUSE (URLs); the tables are made in the schema `pygrametl`, which has to be there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import psycopg2
import pygrametl
from pygrametl.datasources import SQLSource
from pygrametl.tables import BulkDimension, BulkFactTable, TypeOneSlowlyChangingDimension

Row = dict[str, Any]

# What the source can compute is computed there: in Python it would take several times as long. Measures go to
# a file at once, so they are text already.
QUERIES = {
    "users": """
        SELECT user_id, name, lower(email) AS email, split_part(lower(email), '@', 2) AS email_domain,
               coalesce(city, 'Unknown') AS city, created_at
        FROM users WHERE updated_at >= %(mark)s
    """,
    "products": """
        SELECT product_id, name, coalesce(category, 'Uncategorised') AS category, price,
               CASE WHEN price < 20 THEN 'low' WHEN price < 100 THEN 'middle' ELSE 'high' END AS price_band
        FROM products WHERE updated_at >= %(mark)s
    """,
    "orders": """
        SELECT order_id, user_id, product_id, quantity, order_date AS date,
               total::numeric(12,2)::text AS total,
               (total / nullif(quantity, 0))::numeric(12,2)::text AS unit_price,
               (total / 1.21)::numeric(12,2)::text AS net_total,
               (total - total / 1.21)::numeric(12,2)::text AS vat
        FROM orders WHERE updated_at >= %(mark)s
    """,
}
TABLES = """
    CREATE TABLE dim_date (
        date_key integer NOT NULL, date date, year integer, quarter smallint, month smallint,
        month_name text, week smallint, iso_year integer, day smallint, day_of_week smallint,
        day_name text, day_of_year smallint, week_start date, month_start date, is_weekend boolean,
        fiscal_year integer, fiscal_quarter smallint, fiscal_month smallint
    );
    CREATE TABLE dim_users (
        user_key bigint NOT NULL, user_id integer, name varchar(100), email text, email_domain text,
        city varchar(100), created_at timestamp
    );
    CREATE TABLE dim_products (
        product_key bigint NOT NULL, product_id integer, name varchar(100), category varchar(50),
        price numeric(10,2), price_band text
    );
    CREATE TABLE fact_orders (
        order_date_key integer NOT NULL, user_key bigint NOT NULL, product_key bigint NOT NULL,
        order_id integer, quantity integer, total numeric(12,2), unit_price numeric(12,2),
        net_total numeric(12,2), vat numeric(12,2)
    );
    CREATE TABLE watermark (name text PRIMARY KEY, updated_at timestamptz);
"""
# After the rows: an index that is there while they arrive costs twice as much.
INDEXES = """
    ALTER TABLE dim_date ADD PRIMARY KEY (date_key);
    ALTER TABLE dim_users ADD PRIMARY KEY (user_key);
    ALTER TABLE dim_products ADD PRIMARY KEY (product_key);
    ALTER TABLE fact_orders ADD PRIMARY KEY (order_id);
    CREATE UNIQUE INDEX ON dim_date (date);
    CREATE UNIQUE INDEX ON dim_users (user_id);
    CREATE UNIQUE INDEX ON dim_products (product_id);
"""
DAYS = (
    "date", "year", "quarter", "month", "month_name", "week", "iso_year", "day", "day_of_week", "day_name",
    "day_of_year", "week_start", "month_start", "is_weekend", "fiscal_year", "fiscal_quarter", "fiscal_month",
)  # fmt: skip
USERS = ("user_id", "name", "email", "email_domain", "city", "created_at")
PRODUCTS = ("product_id", "name", "category", "price", "price_band")
KEYS = ("order_date_key", "user_key", "product_key")
MEASURES = ("order_id", "quantity", "total", "unit_price", "net_total", "vat")
NULL = "\\N"
WORTH_A_CACHE = 1000  # rows of the fact; below, a look-up in the table for each is quicker
BEGINNING = "-infinity"


def main() -> None:
    """Load all in one transaction."""
    source = psycopg2.connect(os.environ["SOURCE"])
    source.set_session(isolation_level="REPEATABLE READ", readonly=True)
    warehouse = psycopg2.connect(os.environ["WAREHOUSE"], options="-csearch_path=pygrametl")
    wrapper = pygrametl.ConnectionWrapper(warehouse)
    with warehouse.cursor() as cursor:
        cursor.execute("SELECT to_regclass('watermark') IS NULL")
        (first,) = cursor.fetchone() or (True,)
        if first:
            cursor.execute(TABLES)
            marks = dict.fromkeys(QUERIES, BEGINNING)
        else:
            cursor.execute("SELECT name, updated_at::text FROM watermark")
            marks = dict(cursor.fetchall())
        newest_of = newest(source)
        (everything if first else changes)(source, warehouse, marks)
        if first:
            cursor.execute(INDEXES)
        for name, mark in newest_of.items():
            cursor.execute(
                "INSERT INTO watermark VALUES (%s, %s) ON CONFLICT (name)"
                " DO UPDATE SET updated_at = excluded.updated_at",
                (name, mark),
            )
    wrapper.commit()
    wrapper.close()


def everything(source: Any, warehouse: Any, marks: Row) -> None:
    """Fill the empty tables."""
    bulk = {"bulkloader": copier(warehouse), "nullsubst": NULL, "encoding": "utf-8"}
    unknown = {"defaultidvalue": -1, **bulk}
    days = BulkDimension("dim_date", "date_key", DAYS, lookupatts=("date",), **unknown)
    users = BulkDimension("dim_users", "user_key", USERS, lookupatts=("user_id",), **unknown)
    products = BulkDimension(
        "dim_products", "product_key", PRODUCTS, lookupatts=("product_id",), **unknown
    )
    for day in calendar():
        days.insert(day)
    days.insert(empty(DAYS, date_key=-1, month_name="Unknown", day_name="Unknown"))
    for row in read(source, "users", marks):
        users.insert(row)
    users.insert(empty(USERS, user_key=-1, name="Unknown", city="Unknown"))
    for row in read(source, "products", marks):
        products.insert(row)
    products.insert(empty(PRODUCTS, product_key=-1, name="Unknown", category="Unknown"))
    facts = BulkFactTable("fact_orders", KEYS, MEASURES, dependson=(days, users, products), **bulk)
    for row in read(source, "orders", marks):
        facts.insert(with_keys(row, days, users, products))


def changes(source: Any, warehouse: Any, marks: Row) -> None:
    """Bring the members and facts that have changed in line, and add those that are new."""
    orders = list(read(source, "orders", marks))
    cached = {"prefill": len(orders) >= WORTH_A_CACHE, "cachesize": -1}
    users = TypeOneSlowlyChangingDimension("dim_users", "user_key", USERS, ("user_id",), **cached)
    products = TypeOneSlowlyChangingDimension(
        "dim_products", "product_key", PRODUCTS, ("product_id",), **cached
    )
    days = pygrametl.tables.CachedDimension(
        "dim_date", "date_key", DAYS, ("date",), size=-1, prefill=len(orders) >= WORTH_A_CACHE
    )
    for row in read(source, "users", marks):
        users.scdensure(row)
    for row in read(source, "products", marks):
        products.scdensure(row)
    for dimension in (users, products, days):
        dimension.defaultidvalue = (
            -1
        )  # not before: scdensure would take every new member for that one
    # No table of pygrametl updates facts in bulk: those that have changed make way for their new values.
    with warehouse.cursor() as cursor:
        cursor.execute(
            "DELETE FROM fact_orders WHERE order_id = ANY (%s)",
            ([row["order_id"] for row in orders],),
        )
    facts = BulkFactTable(
        "fact_orders",
        KEYS,
        MEASURES,
        bulkloader=copier(warehouse),
        nullsubst=NULL,
        encoding="utf-8",
    )
    for row in orders:
        facts.insert(with_keys(row, days, users, products))


def with_keys(row: Row, days: Any, users: Any, products: Any) -> Row:
    """Add the keys of its members to a fact; -1 for one that is not there."""
    row["order_date_key"] = days.lookup(row)
    row["user_key"] = users.lookup(row)
    row["product_key"] = products.lookup(row)
    return row


def read(source: Any, name: str, marks: Row) -> SQLSource:
    """Read a table of the source from its watermark on, through a cursor on the server."""
    return SQLSource(
        source, QUERIES[name], cursorarg=name, parameters={"mark": marks[name]}, fetchsize=10_000
    )


def newest(source: Any) -> Row:
    """Return the newest change of each table in the snapshot of the run; the next one begins there."""
    marks = {}
    with source.cursor() as cursor:
        for name in QUERIES:
            cursor.execute(f"SELECT coalesce(max(updated_at), '-infinity')::text FROM {name}")
            (marks[name],) = cursor.fetchone()
    return marks


def copier(warehouse: Any) -> Callable[..., None]:
    """Return what pygrametl's documentation has as the loader for psycopg2."""

    def copy(
        name: str, columns: Sequence[str], separator: str, _rows: str, null: str, file: Any
    ) -> None:
        with warehouse.cursor() as cursor:
            cursor.copy_from(file, name, sep=separator, null=null, columns=columns)

    return copy


def empty(columns: Sequence[str], **values: Any) -> Row:
    """Return a row with nothing but these values."""
    return dict.fromkeys(columns) | values


def calendar() -> Iterator[Row]:
    """Go through the days of mappings/star.yml."""
    day = date(2020, 1, 1)
    while day <= date(2030, 12, 31):
        iso = day.isocalendar()
        fiscal_month = (day.month - 4) % 12 + 1
        yield {
            "date_key": day.year * 10000 + day.month * 100 + day.day,
            "date": day,
            "year": day.year,
            "quarter": (day.month + 2) // 3,
            "month": day.month,
            "month_name": f"{day:%B}",
            "week": iso.week,
            "iso_year": iso.year,
            "day": day.day,
            "day_of_week": iso.weekday,
            "day_name": f"{day:%A}",
            "day_of_year": day.timetuple().tm_yday,
            "week_start": day - timedelta(days=iso.weekday - 1),
            "month_start": day.replace(day=1),
            "is_weekend": iso.weekday > 5,
            "fiscal_year": day.year + (day.month > 3),
            "fiscal_quarter": (fiscal_month + 2) // 3,
            "fiscal_month": fiscal_month,
        }
        day += timedelta(days=1)


if __name__ == "__main__":
    main()
