"""A shop big enough that a run takes a while, what the star must be, and what a warehouse looks like."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg2

from engine.commands.wire import WAREHOUSE
from engine.database.connect import Sessions, engine_for
from engine.database.history import Past, history
from engine.mapping.load import load
from engine.report import Report
from engine.run import Options, run
from engine.settings import settings_for
from tests.conftest import Databases, Row, connect, query

ROOT = Path(__file__).parents[2]
SHOP = Path(__file__).with_name("shop.yml")
Fault = Callable[[list[int]], bool]
TABLES = ("dim_date", "dim_users", "dim_products", "fact_orders")
APPLICATION = "star-schema-engine"  # the application_name of the engine's sessions

GROW = """
INSERT INTO users (name, email, city)
SELECT 'User ' || n, 'User' || n || '@Mail.example', CASE WHEN n % 7 > 0 THEN 'City ' || n % 90 END
FROM generate_series(1, 1000) AS n;
INSERT INTO products (name, category, price)
SELECT 'Product ' || n, CASE WHEN n % 9 > 0 THEN 'Category ' || n % 9 END, n % 300 + 0.99
FROM generate_series(1, 400) AS n;
INSERT INTO orders (user_id, product_id, quantity, order_date, total)
SELECT CASE WHEN n % 500 > 0 THEN 1 + n % 1000 END, product_id, 1 + n % 4,
       DATE '2023-01-01' + n % 900, price * (1 + n % 4)
FROM generate_series(1, 6000) AS n JOIN products ON product_id = 1 + n % 400;
"""

# Something in every table of the star, so that half of a change would show.
CHANGE = """
UPDATE users SET city = 'City of ' || clock_timestamp() WHERE user_id % 40 = {number} % 40;
UPDATE products SET category = 'Category of ' || clock_timestamp() WHERE product_id % 40 = {number} % 40;
UPDATE orders SET quantity = quantity + 1 WHERE order_id % 40 = {number} % 40;
INSERT INTO orders (user_id, product_id, quantity, order_date, total)
SELECT user_id, product_id, 1, order_date, total FROM orders WHERE order_id % 100 = {number} % 100;
"""

# Rows and a hash in which every column of every row counts, but not the order of the rows.
DIGEST = "SELECT '{name}', count(*), sum(hashtextextended(r::text, 0)) FROM ({rows}) AS r"

# What each table must hold, said apart from the mapping: in terms of the source, and of the star.
IN_SOURCE = {
    "dim_date": """
        SELECT to_char(day, 'YYYYMMDD')::int, day::date
        FROM generate_series(DATE '2020-01-01', DATE '2027-12-31', INTERVAL '1 day') AS day
        """,
    "dim_users": """
        SELECT user_id, name, lower(email), CASE WHEN city IS NULL THEN 'Unknown' ELSE city END
        FROM users
        """,
    "dim_products": "SELECT product_id, name, category, price FROM products",
    "fact_orders": """
        SELECT order_id, user_id, product_id, order_date, quantity, total, round(total / quantity, 2)
        FROM orders
        """,
}
IN_STAR = {
    "dim_date": "SELECT date_key, date FROM dim_date WHERE date_key > 0",
    "dim_users": "SELECT user_id, name, email, city FROM dim_users WHERE user_key > 0",
    "dim_products": "SELECT product_id, name, category, price FROM dim_products WHERE product_key > 0",
    "fact_orders": """
        SELECT order_id, user_id, product_id, date, quantity, total, unit_price
        FROM fact_orders
        JOIN dim_users USING (user_key)
        JOIN dim_products USING (product_key)
        JOIN dim_date ON date_key = order_date_key
        """,
}


def change(databases: Databases, number: int) -> None:
    """Change and add rows in the source; another number changes others."""
    query(databases.source_admin_url, CHANGE.format(number=number))


def wanted(databases: Databases) -> dict[str, Row]:
    """Return what plain SQL on the source says that the star must be."""
    return digests(databases.source_admin_url, IN_SOURCE)


def loaded(databases: Databases) -> dict[str, Row]:
    """Return what the star is, in the terms of the source."""
    return digests(databases.warehouse_url, IN_STAR)


def content(databases: Databases) -> dict[str, Row]:
    """Return a digest of every table of the star, keys included, and of the watermarks, if there are any."""
    url = databases.warehouse_url
    names = ", ".join(f"'{name}'" for name in (*TABLES, "engine.watermark"))
    there = query(
        url, f"SELECT n FROM unnest(array[{names}]) AS n WHERE to_regclass(n) IS NOT NULL"
    )
    found = digests(url, {name: f"SELECT * FROM {name}" for (name,) in there}) if there else {}
    if found.get("engine.watermark", (0,))[0] == 0:  # an empty ledger is as good as none
        found.pop("engine.watermark", None)
    return found


def digests(url: str, queries: Mapping[str, str]) -> dict[str, Row]:
    """Return the number of rows and a hash of the rows of each query."""
    sql = " UNION ALL ".join(DIGEST.format(name=name, rows=rows) for name, rows in queries.items())
    return {name: tuple(digest) for name, *digest in query(url, sql)}


def past(databases: Databases) -> tuple[Past, ...]:
    """Return what `engine history` lists, newest first."""
    settings = settings_for(WAREHOUSE, databases.environment)["warehouse"]
    with Sessions() as sessions:
        connection = sessions.connect(engine_for(settings, read_only=True), autocommit=True)
        return history(connection, None, 100)


def run_here(
    databases: Databases, mapping: Path = SHOP, options: Options | None = None, **variables: str
) -> Report:
    """Run a mapping in this process, with its retries; `variables` go before the databases' own."""
    ready = load(mapping)
    environment = databases.environment | variables
    return run(ready, settings_for(ready.star.connections, environment), options)


def variant(path: Path, *replacements: tuple[str, str]) -> Path:
    """Write the mapping to a file with some of its texts replaced."""
    text = SHOP.read_text()
    for old, new in replacements:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    path.write_text(text)
    return path


def gated_check(path: Path) -> Path:
    """Write the mapping with a last check that waits at the gate of the warehouse."""
    return variant(path, ("SELECT order_id FROM {{ this }} WHERE total < 0", Gate.CHECK))


def gated_query(path: Path) -> Path:
    """Write the mapping with a query of the orders that waits at the gate of the source."""
    return variant(path, ("FROM orders", f"FROM orders {Gate.SOURCE}"))


class Watch:
    """Sees who is at work in the two databases, from outside; closing it ends its own two sessions."""

    def __init__(self, databases: Databases) -> None:
        servers = (databases.source, databases.warehouse)
        self._connections = {
            s.name: (
                s.database,
                connect(replace(s, database="postgres").admin_url(), autocommit=True),
            )
            for s in servers
        }

    def sessions(self, server: str, condition: str = "true") -> list[int]:
        """Return the process ids of the engine's sessions in the source or the warehouse, oldest first."""
        sql = f"""SELECT pid FROM pg_stat_activity WHERE datname = %s AND ({condition})
                  AND application_name = '{APPLICATION}' ORDER BY backend_start, pid"""
        return [pid for (pid,) in self._query(server, sql)]

    def locks(self) -> list[Row]:
        """Return the locks that anybody holds or wants in the two databases."""
        sql = """SELECT locktype, mode, relation FROM pg_locks
                 WHERE database = (SELECT oid FROM pg_database WHERE datname = %s)"""
        return [row for server in self._connections for row in self._query(server, sql)]

    def begun(self) -> bool:
        """Return whether the engine has connected to the warehouse."""
        return bool(self.sessions("warehouse"))

    def silent(self) -> bool:
        """Return whether the engine has no session at all."""
        return not any(self.sessions(server) for server in self._connections)

    def wait_for_silence(self, seconds: float = 10) -> float:
        """Wait until the engine has no session; return how long that took."""
        return wait_until(self.silent, "the engine's sessions have ended", seconds)

    def terminate(self, server: str, pids: Iterable[int]) -> int:
        """End sessions as an administrator does; return how many were there to be ended."""
        ended = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
        listed = ", ".join(map(str, pids)) or "0"
        sql = f"{ended} WHERE datname = %s AND pid IN ({listed})"
        return int(self._query(server, sql)[0][0])

    def _query(self, server: str, sql: str) -> list[Row]:
        database, connection = self._connections[server]
        with connection.cursor() as cursor:
            cursor.execute(sql, [database])
            return cursor.fetchall()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        for _database, connection in self._connections.values():
            connection.close()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 30) -> float:
    """Wait until `holds()` is true and return how long that took; fails when it stays false."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - start


def answering(url: str) -> bool:
    """Return whether a server takes connections: it may be recovering, with nobody to wait for it."""
    try:
        query(url, "SELECT 1")
    except psycopg2.OperationalError:
        return False
    return True


class Moments:
    """Random moments of a run, one in each of `number` parts of it; one that comes too late is taken again.

    A machine that is busy with others is not always equally quick: so the duration is corrected.
    """

    def __init__(self, seed: str, number: int, duration: float) -> None:
        self.chance = random.Random(seed)
        self._seed, self._number, self._duration = seed, number, duration
        self._hits, self.moment = 0, 0.0

    def __iter__(self) -> Iterator[int]:
        """Set `moment`, in seconds, and give a number, another each time, until all parts have been hit."""
        for n in range(5 * self._number):
            self.moment = self._duration * (self._hits + self.chance.random()) / self._number
            yield n
            if self._hits == self._number:
                return
        raise AssertionError(f"{self}: most came too late")

    def hit(self) -> None:
        """Say that the run was under way at the moment."""
        self._hits += 1

    def missed(self, lasted: float) -> None:
        """Say that the run was over, and how long it was."""
        self._duration = min(self._duration, lasted)

    def __str__(self) -> str:
        part = f"part {self._hits} of {self._number}"
        return f"seed '{self._seed}', {part}: {self.moment:.3f} of {self._duration:.3f} s"


def disturbed(
    databases: Databases, options: Options, server: str, moments: Moments, fault: Fault
) -> Report:
    """Run the mapping here; at a moment after it has come to the server, do something to its sessions there.

    `fault` gets their process ids, oldest first, and returns whether it did anything.
    """
    with Watch(databases) as watch, ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_here, databases, options=options)
        wait_until(lambda: bool(watch.sessions(server)) or running.done(), "the engine has come")
        start = time.monotonic()
        while not running.done() and (rest := start + moments.moment - time.monotonic()) > 0:
            time.sleep(min(0.01, rest))
        if running.done():
            moments.missed(time.monotonic() - start)
        elif fault(watch.sessions(server)):
            moments.hit()
        return running.result()


class Gate:
    """A place in a run where it waits until it is let through: a lock that the test holds."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url, autocommit=True)
        self._url = url
        self._do("SELECT pg_advisory_lock(42)")

    # Rows that never are, for the check; a column that is never null, for the query of a source.
    CHECK = "SELECT 1 FROM (SELECT pg_advisory_xact_lock_shared(42)::text AS gate) AS g WHERE gate = 'x'"
    SOURCE = "CROSS JOIN (SELECT pg_advisory_xact_lock_shared(42)::text AS gate) AS g"

    def waiting(self) -> bool:
        """Return whether somebody stands before the gate."""
        return self.standing() > 0

    def standing(self) -> int:
        """Return how many stand before the gate."""
        sql = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND
                 database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
        return int(query(self._url, sql)[0][0])

    def wait(self) -> None:
        """Wait until somebody stands before the gate."""
        wait_until(self.waiting, "the run is at the gate")

    def open(self) -> None:
        """Let everybody through; may be called twice."""
        self._connection.close()

    def _do(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
