CREATE UNLOGGED TABLE stage_orders (
    order_id integer, user_id integer, product_id integer, quantity integer, order_date date,
    total numeric(10,2), updated_at timestamptz
);
