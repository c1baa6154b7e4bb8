-- CREATE TABLE AS, unlike INSERT, may compute in parallel; the planner holds handing over a million rows
-- for dearer than it is.
SET LOCAL parallel_tuple_cost = 0;

CREATE TABLE fact_orders AS
SELECT coalesce(d.date_key, -1) AS order_date_key,
       coalesce(u.user_key, -1) AS user_key,
       coalesce(p.product_key, -1) AS product_key,
       s.order_id,
       s.quantity,
       s.total::numeric(12,2) AS total,
       (s.total / nullif(s.quantity, 0))::numeric(12,2) AS unit_price,
       (s.total / 1.21)::numeric(12,2) AS net_total,
       (s.total - s.total / 1.21)::numeric(12,2) AS vat
FROM stage_orders AS s
LEFT JOIN dim_date AS d ON d.date = s.order_date
LEFT JOIN dim_users AS u ON u.user_id = s.user_id
LEFT JOIN dim_products AS p ON p.product_id = s.product_id;

ALTER TABLE fact_orders
    ADD PRIMARY KEY (order_id),
    ALTER order_date_key SET NOT NULL,
    ALTER user_key SET NOT NULL,
    ALTER product_key SET NOT NULL;

CREATE TABLE watermark AS
SELECT (SELECT max(updated_at) FROM stage_users) AS users,
       (SELECT max(updated_at) FROM stage_products) AS products,
       (SELECT max(updated_at) FROM stage_orders) AS orders;

DROP TABLE stage_users, stage_products, stage_orders;
