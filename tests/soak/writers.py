"""Clients that write into the source all the time, as an application does: much, little, late, or in vain."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import psycopg2

from tests.conftest import connect

CLIENTS = 5  # the last one holds its transactions open for long
BRIEF, LONG = (0.0, 0.2), (3.0, 30.0)  # seconds that a transaction stays open, at most
IN_VAIN = 0.15  # of transactions are rolled back

ORDERS = """
WITH placed AS (
  INSERT INTO orders (user_id, product_id, quantity, total, ordered_at)
  SELECT u.user_id, 1 + (random() * 99)::int, 1 + (random() * 4)::int, (random() * 500)::numeric(10,2),
         clock_timestamp() - random() * interval '15 minutes'
  FROM (SELECT user_id FROM users TABLESAMPLE SYSTEM (50) ORDER BY random() LIMIT {many}) AS u
  RETURNING order_id, total
)
INSERT INTO payments (order_id, amount) SELECT order_id, total FROM placed
"""
# Each client changes rows of its own, so that nobody waits for the one whose transactions take long.
OWN = "{key} % {clients} = {client} AND {key} % 397 = {chance}"
MOVES = "UPDATE users SET city = 'City ' || (random() * 50)::int WHERE " + OWN
NAMES = "UPDATE users SET name = 'User ' || (random() * 1e6)::int WHERE " + OWN
PRICES = "UPDATE products SET price = (random() * 900)::numeric(10,2) WHERE " + OWN
AMENDS = "UPDATE orders SET quantity = quantity % 9 + 1 WHERE order_id > {newest} - 2000 AND " + OWN
COMERS = "INSERT INTO users (name, city) SELECT 'New', 'City ' || n FROM generate_series(1, 2) AS n"
DEEDS = (
    (ORDERS, "orders", None),
    (ORDERS, "orders", None),
    (MOVES, "users", "user_id"),
    (NAMES, "users", "user_id"),
    (PRICES, "products", "product_id"),
    (AMENDS, "orders", "order_id"),
    (COMERS, "users", None),
)


class Writers:
    """Writes from `start` to `stop`; `pause` returns when no transaction is open."""

    def __init__(self, url: str, seed: str) -> None:
        self.did: Counter[str] = Counter()
        self.longest = 0.0  # seconds that a transaction was open
        self._url = url
        self._guard = threading.Lock()
        self._over, self._hurry = threading.Event(), threading.Event()
        self._go = threading.Event()
        self._idle = [threading.Event() for _ in range(CLIENTS)]
        self._threads = [
            threading.Thread(target=self._write, args=(n, random.Random(f"{seed} {n}")))
            for n in range(CLIENTS)
        ]

    def start(self) -> None:
        """Begin to write."""
        self._go.set()
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Let every transaction end at once, and begin none."""
        self._go.clear()
        self._hurry.set()
        for idle in self._idle:
            idle.wait()

    def go_on(self) -> None:
        """Write again."""
        self._hurry.clear()
        self._go.set()

    def stop(self) -> None:
        """End every client."""
        self._over.set()
        self.go_on()
        self._hurry.set()
        for thread in self._threads:
            thread.join()

    def _write(self, client: int, chance: random.Random) -> None:
        connection = None
        while not self._over.is_set():
            if not self._go.is_set():
                self._idle[client].set()
                self._go.wait()
                self._idle[client].clear()
                continue
            try:
                connection = connection or connect(self._url)
                self._transact(connection, client, chance)
            except psycopg2.Error as error:  # the server restarts
                self._count(**{f"lost: {type(error).__name__}": 1})
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.1)
        if connection is not None:
            connection.close()

    def _transact(
        self, connection: psycopg2.extensions.connection, client: int, chance: random.Random
    ) -> None:
        """Write something, wait with it, and commit it or not."""
        begun, wrote = time.monotonic(), Counter[str]()
        slow = client == CLIENTS - 1
        with connection.cursor() as cursor:
            for _ in range(chance.randint(1, 5)):
                wrote += self._deed(cursor, client, chance)
            self._hurry.wait(chance.uniform(*(LONG if slow else BRIEF)))
            if slow:  # and writes again, when others have written long since
                wrote += self._deed(cursor, client, chance)
        if chance.random() < IN_VAIN:
            connection.rollback()
            self._count(**{"rolled back": 1, "rows in vain": sum(wrote.values())})
        else:
            connection.commit()
            self._count(transactions=1, **wrote)
        self.longest = max(self.longest, time.monotonic() - begun)
        self._hurry.wait(chance.uniform(0, 0.2))

    def _deed(
        self, cursor: psycopg2.extensions.cursor, client: int, chance: random.Random
    ) -> Counter[str]:
        """Do one thing, now and then at first in a subtransaction that is given up."""
        sql, table, key = chance.choice(DEEDS)
        cursor.execute("SELECT last_value FROM orders_order_id_seq")
        values = {
            "many": chance.choice((1, 3, 20)),
            "clients": CLIENTS,
            "client": client,
            "key": key,
            "chance": chance.randrange(397),
            "newest": cursor.fetchall()[0][0],
        }
        if chance.random() < 0.1:
            cursor.execute("SAVEPOINT maybe")
            cursor.execute(sql.format(**values))
            cursor.execute("ROLLBACK TO SAVEPOINT maybe")
        cursor.execute(sql.format(**values))
        return Counter({f"{table} {'changed' if key else 'added'}": cursor.rowcount})

    def _count(self, **what: int) -> None:
        with self._guard:
            self.did.update(what)
