CREATE TABLE dim_products (
    product_key bigint GENERATED ALWAYS AS IDENTITY NOT NULL, product_id integer,
    name varchar(100), category varchar(50), price numeric(10,2), price_band text
);

INSERT INTO dim_products (product_id, name, category, price, price_band)
SELECT product_id, name, coalesce(category, 'Uncategorised'), price,
       CASE WHEN price < 20 THEN 'low' WHEN price < 100 THEN 'middle' ELSE 'high' END
FROM stage_products
ORDER BY product_id;

INSERT INTO dim_products (product_key, name, category) OVERRIDING SYSTEM VALUE
VALUES (-1, 'Unknown', 'Unknown');
ALTER TABLE dim_products ADD PRIMARY KEY (product_key);
CREATE UNIQUE INDEX ON dim_products (product_id);
