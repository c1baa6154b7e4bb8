"""The data of a shop of any size: the same rows at every run, with the flaws that real data has."""

from __future__ import annotations

from contextlib import closing

import psycopg2

USERS, PRODUCTS, ORDERS = 100_000, 10_000, 1_000_000  # at scale 1

# Rows are written with triggers and foreign keys off, since all of them are valid: checking a million
# orders takes longer than loading them. Ids go on after those that are there.
GENERATE = """
SET LOCAL session_replication_role = replica;

INSERT INTO users (user_id, name, email, city, created_at, updated_at)
SELECT first + n,
       CASE WHEN n % 997 <> 0 THEN 'Zoë Müller ' || n END,
       CASE WHEN n % 11 = 0 THEN 'User.' || n || '@Example.COM' ELSE 'user' || n || '@mail.example' END,
       (ARRAY['Berlin', 'Paris', 'Łódź', 'São Paulo', '東京', 'Αθήνα', NULL, 'London'])[1 + n % 8],
       TIMESTAMP '2021-01-01' + n * (INTERVAL '1500 days' / {users}),
       TIMESTAMPTZ '2021-01-01 00:00+00' + n * (INTERVAL '1500 days' / {users})
FROM (SELECT coalesce(max(user_id), 0) FROM users) AS u (first), generate_series(1, {users}) AS n;

INSERT INTO products (product_id, name, category, price, updated_at)
SELECT first + n,
       'Product ' || n,
       (ARRAY['Kitchen', 'Garden', 'Office', 'Toys', 'Books', NULL])[1 + n % 6],
       (n::bigint * 7919 % 50000)::numeric / 100,
       TIMESTAMPTZ '2021-01-01 00:00+00' + n * (INTERVAL '1500 days' / {products})
FROM (SELECT coalesce(max(product_id), 0) FROM products) AS p (first),
     generate_series(1, {products}) AS n;

CREATE TEMP TABLE span ON COMMIT DROP AS
SELECT (SELECT max(user_id) FROM users) AS users, (SELECT max(product_id) FROM products) AS products,
       (SELECT coalesce(max(order_id), 0) FROM orders) AS first;

INSERT INTO orders (order_id, user_id, product_id, quantity, order_date, total, updated_at)
SELECT first + n,
       CASE WHEN n % 1009 <> 0 THEN 1 + n::bigint * 7919 % users END,
       CASE WHEN n % 2003 <> 0 THEN product_id END,
       quantity,
       day::date,
       CASE WHEN n % 51 = 0 THEN round(price * quantity * 0.9, 2) ELSE price * quantity END,
       (day + n % 5 * INTERVAL '1 day') AT TIME ZONE 'UTC'
FROM (
    SELECT n, first, users, 1 + n::bigint * 10473 % products AS product_id,
           (ARRAY[1, 1, 1, 2, 2, 3, 4])[1 + n % 7] AS quantity,
           TIMESTAMP '2021-01-01' + n * (INTERVAL '1500 days' / {orders}) AS day
    FROM span, generate_series(1, {orders}) AS n
) AS thrown
JOIN products USING (product_id)
ORDER BY n;

SELECT setval(pg_get_serial_sequence('users', 'user_id'), max(user_id)) FROM users;
SELECT setval(pg_get_serial_sequence('products', 'product_id'), max(product_id)) FROM products;
SELECT setval(pg_get_serial_sequence('orders', 'order_id'), max(order_id)) FROM orders;
"""

# One row in `every` of each table; of the orders a tenth of these are new.
CHANGE = """
UPDATE users SET city = 'Neustadt ' || {number} WHERE user_id % {every} = {number};
UPDATE products SET price = price + 1 WHERE product_id % {every} = {number};
UPDATE orders SET quantity = quantity + 1, total = total + 5
WHERE order_id % {every} = {number} AND order_id % (10 * {every}) >= {every};
INSERT INTO orders (user_id, product_id, quantity, order_date, total)
SELECT user_id, product_id, 1, order_date, total FROM orders WHERE order_id % (10 * {every}) = {number};
"""


def generate(url: str, scale: float = 1) -> None:
    """Add `scale` times 100,000 users, 10,000 products and a million orders, as a superuser."""
    sizes = {"users": USERS, "products": PRODUCTS, "orders": ORDERS}
    write(url, GENERATE.format(**{name: max(int(n * scale), 1) for name, n in sizes.items()}))
    maintain(url)


def change(url: str, number: int, every: int = 100) -> None:
    """Change one row in `every`; another `number`, from 0 to one less than that, changes others."""
    write(url, CHANGE.format(number=number, every=every))


def write(url: str, sql: str) -> None:
    """Run statements in one transaction."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)


def maintain(url: str) -> None:
    """Do now what autovacuum would do at a moment that nobody can foresee."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")
