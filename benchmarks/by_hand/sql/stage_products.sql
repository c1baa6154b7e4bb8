CREATE UNLOGGED TABLE stage_products (
    product_id integer, name varchar(100), category varchar(50), price numeric(10,2),
    updated_at timestamptz
);
