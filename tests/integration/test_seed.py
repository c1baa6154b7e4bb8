"""The seed is what the documentation says: deterministic, and wrong exactly where it says so."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from engine.database.embedded import Server
    from tests.conftest import Databases

    Row = tuple[Any, ...]
    Ask = Callable[[str], list[Row]]
    Query = Callable[[str, str], list[Row]]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ask(seeded: Server, query: Query) -> Ask:
    """Ask a source that others use too, as the role that may only read."""
    return lambda sql: query(seeded.url(), sql)


@pytest.fixture
def do(databases: Databases) -> Ask:
    """Change a source of one's own, as superuser."""
    return lambda sql: databases.query(databases.source_admin_url, sql)


@pytest.mark.parametrize(("table", "rows"), [("users", 68), ("products", 44), ("orders", 720)])
def test_number_of_rows(ask: Ask, table: str, rows: int) -> None:
    assert ask(f"SELECT count(*) FROM {table}") == [(rows,)]


def test_the_tables_have_the_columns_of_the_shop(ask: Ask) -> None:
    found = ask(
        """SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod)
           FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
           WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0
           ORDER BY relname DESC, attnum""",
    )
    assert found == [
        ("users", "user_id", "integer"),
        ("users", "name", "character varying(100)"),
        ("users", "email", "character varying(200)"),
        ("users", "city", "character varying(100)"),
        ("users", "created_at", "timestamp without time zone"),
        ("users", "updated_at", "timestamp with time zone"),
        ("products", "product_id", "integer"),
        ("products", "name", "character varying(100)"),
        ("products", "category", "character varying(50)"),
        ("products", "price", "numeric(10,2)"),
        ("products", "updated_at", "timestamp with time zone"),
        ("orders", "order_id", "integer"),
        ("orders", "user_id", "integer"),
        ("orders", "product_id", "integer"),
        ("orders", "quantity", "integer"),
        ("orders", "order_date", "date"),
        ("orders", "total", "numeric(10,2)"),
        ("orders", "updated_at", "timestamp with time zone"),
    ]


def test_orders_fill_two_years(ask: Ask) -> None:
    (found,) = ask(
        """SELECT min(order_date)::text, max(order_date)::text,
                  count(DISTINCT date_trunc('month', order_date)), min(quantity)
           FROM orders""",
    )
    assert found == ("2024-01-01", "2025-12-31", 24, 1)


# The flaws, as the head of 02-seed-data.sql lists them.
FLAWS = {
    "users without a name": ("SELECT user_id FROM users WHERE name IS NULL", [13, 45]),
    "users without a city": ("SELECT user_id FROM users WHERE city IS NULL", [18, 31, 45, 62]),
    "users whose city is empty": ("SELECT user_id FROM users WHERE city = ''", [52]),
    "cities in lower case": ("SELECT user_id FROM users WHERE city ~ '^[a-z]'", [14]),
    "mixed-case e-mails": (
        "SELECT user_id FROM users WHERE email <> lower(email)",
        [1, 7, 19, 34, 46, 57, 67],
    ),
    "e-mails that are equal": (
        "SELECT user_id FROM users WHERE email IN"
        " (SELECT email FROM users GROUP BY 1 HAVING count(*) > 1)",
        [17, 39],
    ),
    "e-mails that are equal but for case": (
        "SELECT user_id FROM users WHERE lower(email) IN"
        " (SELECT lower(email) FROM users GROUP BY 1 HAVING count(*) > 1)",
        [1, 17, 24, 39],
    ),
    "discontinued products": (
        "SELECT product_id FROM products WHERE name LIKE '%discontinued%'",
        [13, 39],
    ),
    "products without a category": (
        "SELECT product_id FROM products WHERE category IS NULL",
        [40, 41],
    ),
    "products free of charge": ("SELECT product_id FROM products WHERE price = 0", [41]),
    "orders without a user": ("SELECT order_id FROM orders WHERE user_id IS NULL", [137, 512]),
    "orders without a product": ("SELECT order_id FROM orders WHERE product_id IS NULL", [301]),
    "orders with another total": (
        "SELECT order_id FROM orders JOIN products USING (product_id)"
        " WHERE total <> price * quantity",
        list(range(17, 721, 51)),
    ),
    "orders entered late": (
        "SELECT order_id FROM (SELECT order_id, order_date,"
        " max(order_date) OVER (ORDER BY order_id) AS latest FROM orders) AS o"
        " WHERE order_date < latest",
        list(range(45, 721, 90)),
    ),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_flaw(ask: Ask, flaw: str) -> None:
    sql, ids = FLAWS[flaw]
    assert [row[0] for row in ask(f"{sql} ORDER BY 1")] == ids


def test_nothing_else_is_wrong(ask: Ask) -> None:
    assert ask("SELECT 1 FROM orders WHERE total IS NULL OR quantity IS NULL") == []
    assert ask("SELECT 1 FROM products WHERE name IS NULL OR price IS NULL") == []
    assert ask("SELECT 1 FROM users WHERE email IS NULL OR created_at IS NULL") == []


def test_nobody_orders_before_registering_or_what_is_discontinued(ask: Ask) -> None:
    early = "SELECT 1 FROM orders JOIN users USING (user_id) WHERE order_date <= created_at::date"
    assert ask(early) == []
    last = "SELECT product_id, max(order_date)::text FROM orders WHERE product_id IN (13, 39)"
    found = dict(ask(f"{last} GROUP BY 1"))
    assert sorted(found) == [13, 39], "a discontinued product was once ordered"
    assert found[13] <= "2024-09-30"
    assert found[39] <= "2024-12-31"


def test_names_and_cities_are_not_ascii_only(ask: Ask) -> None:
    for script in ("é", "Łó", "Αθήνα", "Ирина", "東京", "上海", "김민준", "'", '"'):
        sql = f"SELECT 1 FROM users WHERE concat(name, city) LIKE $x$%{script}%$x$"
        assert ask(sql), script


def test_everything_was_ordered_and_by_nearly_everybody(ask: Ask) -> None:
    unused = "SELECT product_id FROM products EXCEPT SELECT product_id FROM orders"
    assert ask(unused) == []
    (share,) = ask("SELECT count(DISTINCT user_id) FROM orders")
    assert 50 < share[0] < 68, "some, but not many, never ordered"


@pytest.mark.parametrize("table", ["users", "products", "orders"])
def test_updated_at_is_spread_over_time_and_never_ahead(ask: Ask, table: str) -> None:
    (found,) = ask(
        f"""SELECT count(DISTINCT updated_at) > count(*) * 0.9, max(updated_at) < '2026-02-01 0:0Z',
                   max(updated_at) - min(updated_at) > '300 days' FROM {table}""",
    )
    assert found == (True, True, True)


def test_nothing_was_updated_before_it_was_there(ask: Ask) -> None:
    users = "SELECT 1 FROM users WHERE updated_at < created_at AT TIME ZONE 'UTC'"
    assert ask(users) == []
    orders = "SELECT 1 FROM orders WHERE updated_at < order_date::timestamp AT TIME ZONE 'UTC'"
    assert ask(orders) == []


@pytest.mark.parametrize("table", ["users", "products", "orders"])
def test_an_update_moves_updated_at_even_against_its_will(do: Ask, table: str) -> None:
    key = f"{table[:-1]}_id"
    do(f"UPDATE {table} SET updated_at = '2001-01-01' WHERE {key} = 5")
    moved = f"SELECT {key} FROM {table} WHERE updated_at > now() - interval '1 minute'"
    assert do(moved) == [(5,)]


def test_updated_at_is_the_moment_of_the_change_and_not_of_the_transaction(do: Ask) -> None:
    found = do(
        "UPDATE users SET city = 'Bonn' WHERE user_id = 3 RETURNING updated_at > now()",
    )
    assert found == [(True,)]


@pytest.mark.parametrize(
    ("insert", "key"),
    [
        ("INSERT INTO users (name) VALUES ('x') RETURNING user_id, updated_at = now()", 69),
        ("INSERT INTO products (name) VALUES ('x') RETURNING product_id, updated_at = now()", 45),
        ("INSERT INTO orders (quantity) VALUES (1) RETURNING order_id, updated_at = now()", 721),
    ],
)
def test_a_new_row_gets_the_next_key_and_the_time(do: Ask, insert: str, key: int) -> None:
    assert do(insert) == [(key, True)]


@pytest.mark.parametrize("table", ["users", "products", "orders"])
def test_an_incremental_read_has_an_index(ask: Ask, table: str) -> None:
    sql = f"SELECT 1 FROM pg_indexes WHERE tablename = '{table}' AND indexdef LIKE '%(updated_at)'"
    assert ask(sql) == [(1,)]


CONTENT = """SELECT md5(string_agg(row::text, '|' ORDER BY row::text COLLATE "C")) FROM (
    SELECT users::text FROM users UNION ALL SELECT products::text FROM products
    UNION ALL SELECT orders::text FROM orders) AS rows (row)"""
PINNED = "SET timezone = 'UTC'; SET datestyle = 'ISO';"


DIGEST = "9aedf45df8930655c546d6386d3f9cd7"


def test_the_rows_are_the_same_everywhere(ask: Ask) -> None:
    """On every major version and on every machine; a change of the seed changes this on purpose."""
    assert ask(PINNED + CONTENT) == [(DIGEST,)]


def test_psql_loads_them_too_whatever_its_settings(databases: Databases) -> None:
    server = databases.warehouse  # an empty database
    command = [server.program, "-v", "ON_ERROR_STOP=1", "-1qX", "-d", server.database]
    files = sorted((ROOT / "init/source").glob("*.sql"))
    answer = subprocess.run(
        [*command, *(f"--file={file}" for file in files)],
        env={
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.user,
            "PGPASSFILE": str(server.passfile),
            "PGTZ": "America/Los_Angeles",
            "PGDATESTYLE": "SQL, DMY",
            "PGCLIENTENCODING": "LATIN1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stderr == ""
    assert databases.query(databases.warehouse_url, PINNED + CONTENT) == [(DIGEST,)]
