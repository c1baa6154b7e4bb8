-- Three months of the wholesaler: every run gives the same rows.
-- What is meant to be odd: customers without a city or an age band (7, 14, 21); an employee whose manager has left
-- (11); a brand that nobody sells (6), a product without a brand (20); a product that is sold before the catalogue
-- knows it (99); an order of an account that is not there yet (21); orders by guests (each 37th), of an unknown payment and unsaid gift (each 23rd), and some that are
-- not yet paid, shipped or delivered.

INSERT INTO customers
SELECT n,
       (ARRAY['Anna', 'Jürgen', 'Zoë', 'Li', 'María', 'Søren', 'Νίκος', 'Fatima'])[1 + n % 8] || ' ' || n,
       CASE WHEN n % 7 <> 0 THEN (ARRAY['Berlin', 'Lyon', 'Łódź', 'São Paulo', '東京'])[1 + n % 5] END,
       (ARRAY['private', 'trade', 'public'])[1 + n % 3],
       CASE WHEN n % 7 <> 0 THEN (ARRAY['18-29', '30-49', '50-64', '65+'])[1 + n % 4] END,
       (ARRAY['low', 'middle', 'high'])[1 + n % 3],
       TIMESTAMP '2026-01-01' + n * INTERVAL '1 hour'
FROM generate_series(1, 30) AS n;

INSERT INTO accounts
SELECT n, 'XX' || lpad((n * 7919)::text, 10, '0'), DATE '2025-01-01' + n * 11 FROM generate_series(1, 20) AS n;

-- Each account has one, two or three holders, whose shares sum to 1.
INSERT INTO account_holders
SELECT a, 1 + (a + k * 7) % 30,
       CASE a % 3 WHEN 0 THEN 1 WHEN 1 THEN 0.5 ELSE (ARRAY[0.3333, 0.3333, 0.3334])[k + 1] END
FROM generate_series(1, 20) AS a, generate_series(0, 2) AS k
WHERE k <= a % 3;

INSERT INTO employees
SELECT n, 'Employee ' || n, CASE WHEN n = 1 THEN 'director' WHEN n < 4 THEN 'manager' ELSE 'seller' END,
       CASE WHEN n = 1 THEN NULL WHEN n < 4 THEN 1 WHEN n = 11 THEN 77 ELSE 2 + n % 2 END,
       TIMESTAMP '2026-01-01'
FROM generate_series(1, 12) AS n;

INSERT INTO brands
SELECT n, 'Brand ' || chr(64 + n), (ARRAY['DE', 'FR', 'PL'])[1 + n % 3] FROM generate_series(1, 6) AS n;

INSERT INTO products
SELECT n, 'Product ' || n, CASE WHEN n <> 20 THEN 1 + n % 5 END, (n * 37 % 90 + 10)::numeric + 0.99,
       TIMESTAMP '2026-01-01' + n * INTERVAL '1 minute'
FROM generate_series(1, 20) AS n;

INSERT INTO orders
SELECT n,
       'A-' || lpad(n::text, 5, '0'),
       CASE WHEN n % 37 <> 0 THEN 1 + n * 11 % 30 END,
       CASE WHEN n = 200 THEN 21 ELSE 1 + n * 7 % 20 END,
       4 + n % 9,
       (ARRAY['web', 'phone', 'shop'])[1 + n % 3],
       CASE WHEN n % 23 <> 0 THEN (ARRAY['card', 'invoice'])[1 + n % 2] END,
       CASE WHEN n % 23 <> 0 THEN n % 5 = 0 END,
       at,
       CASE WHEN n <= 290 THEN at + INTERVAL '1 day' END,
       CASE WHEN n <= 280 THEN at + INTERVAL '2 days 6 hours' END,
       CASE WHEN n <= 270 THEN at + INTERVAL '5 days' END,
       at
FROM generate_series(1, 300) AS n, LATERAL (SELECT TIMESTAMP '2026-01-01 08:00' + n * INTERVAL '7 hours 13 minutes') AS t (at);

INSERT INTO order_lines
SELECT o, k, CASE WHEN o = 150 AND k = 1 THEN 99 ELSE 1 + (o * 3 + k) % 20 END, 1 + (o + k) % 4,
       (1 + (o + k) % 4) * ((o * 13 + k) % 90 + 10.50)
FROM generate_series(1, 300) AS o, generate_series(1, 3) AS k
WHERE k <= 1 + o % 3;

INSERT INTO promotions VALUES (1, 'Winter sale'), (2, 'Spring week');

INSERT INTO promoted_products
SELECT 1 + p % 2, p, DATE '2026-01-15' + d + (p % 2) * 45 FROM generate_series(1, 10) AS p, generate_series(0, 6) AS d;

-- Fifty of each at the beginning of the year; then one product goes out or comes in every four hours.
INSERT INTO stock_movements
SELECT n, n, TIMESTAMP '2026-01-01 06:00', 50 FROM generate_series(1, 20) AS n
UNION ALL
SELECT 20 + n, 1 + n * 7 % 20, TIMESTAMP '2026-01-01 12:00' + n * INTERVAL '4 hours', CASE WHEN n % 4 = 0 THEN 6 ELSE -2 END
FROM generate_series(1, 500) AS n;
