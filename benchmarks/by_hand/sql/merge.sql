ANALYZE stage_users, stage_products, stage_orders;

UPDATE dim_users AS t
SET name = s.name, email = s.email, email_domain = s.email_domain, city = s.city,
    created_at = s.created_at
FROM (
    SELECT user_id, name, lower(email) AS email, split_part(lower(email), '@', 2) AS email_domain,
           coalesce(city, 'Unknown') AS city, created_at
    FROM stage_users
) AS s
WHERE t.user_id = s.user_id
  AND (t.name, t.email, t.email_domain, t.city, t.created_at)
      IS DISTINCT FROM (s.name, s.email, s.email_domain, s.city, s.created_at);

INSERT INTO dim_users (user_id, name, email, email_domain, city, created_at)
SELECT s.user_id, s.name, lower(s.email), split_part(lower(s.email), '@', 2),
       coalesce(s.city, 'Unknown'), s.created_at
FROM stage_users AS s
LEFT JOIN dim_users AS t ON t.user_id = s.user_id
WHERE t.user_id IS NULL
ORDER BY s.user_id;

UPDATE dim_products AS t
SET name = s.name, category = s.category, price = s.price, price_band = s.price_band
FROM (
    SELECT product_id, name, coalesce(category, 'Uncategorised') AS category, price,
           CASE WHEN price < 20 THEN 'low' WHEN price < 100 THEN 'middle' ELSE 'high' END AS price_band
    FROM stage_products
) AS s
WHERE t.product_id = s.product_id
  AND (t.name, t.category, t.price, t.price_band)
      IS DISTINCT FROM (s.name, s.category, s.price, s.price_band);

INSERT INTO dim_products (product_id, name, category, price, price_band)
SELECT s.product_id, s.name, coalesce(s.category, 'Uncategorised'), s.price,
       CASE WHEN s.price < 20 THEN 'low' WHEN s.price < 100 THEN 'middle' ELSE 'high' END
FROM stage_products AS s
LEFT JOIN dim_products AS t ON t.product_id = s.product_id
WHERE t.product_id IS NULL
ORDER BY s.product_id;

INSERT INTO fact_orders AS t
SELECT coalesce(d.date_key, -1),
       coalesce(u.user_key, -1),
       coalesce(p.product_key, -1),
       s.order_id,
       s.quantity,
       s.total::numeric(12,2),
       (s.total / nullif(s.quantity, 0))::numeric(12,2),
       (s.total / 1.21)::numeric(12,2),
       (s.total - s.total / 1.21)::numeric(12,2)
FROM stage_orders AS s
LEFT JOIN dim_date AS d ON d.date = s.order_date
LEFT JOIN dim_users AS u ON u.user_id = s.user_id
LEFT JOIN dim_products AS p ON p.product_id = s.product_id
ON CONFLICT (order_id) DO UPDATE
SET order_date_key = excluded.order_date_key, user_key = excluded.user_key,
    product_key = excluded.product_key, quantity = excluded.quantity, total = excluded.total,
    unit_price = excluded.unit_price, net_total = excluded.net_total, vat = excluded.vat
WHERE (t.order_date_key, t.user_key, t.product_key, t.quantity, t.total, t.unit_price, t.net_total,
       t.vat)
    IS DISTINCT FROM (excluded.order_date_key, excluded.user_key, excluded.product_key,
                      excluded.quantity, excluded.total, excluded.unit_price, excluded.net_total,
                      excluded.vat);

UPDATE watermark SET
    users = greatest(users, (SELECT max(updated_at) FROM stage_users)),
    products = greatest(products, (SELECT max(updated_at) FROM stage_products)),
    orders = greatest(orders, (SELECT max(updated_at) FROM stage_orders));

DROP TABLE stage_users, stage_products, stage_orders;
