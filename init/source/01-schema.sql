-- The source: the operational database of a small web shop. It stands for any system that the engine
-- reads from; nothing in the engine knows these tables, only mappings/star.yml does.
--
-- updated_at is what an incremental read goes by. It has a time zone, unlike created_at: two sessions
-- with different TimeZone settings would otherwise write values that cannot be compared.

SET client_encoding = 'UTF8';

CREATE TABLE users (
    user_id    SERIAL PRIMARY KEY,
    name       VARCHAR(100),
    email      VARCHAR(200),
    city       VARCHAR(100),
    created_at TIMESTAMP DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE TABLE products (
    product_id SERIAL PRIMARY KEY,
    name       VARCHAR(100),
    category   VARCHAR(50),
    price      DECIMAL(10,2),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE TABLE orders (
    order_id   SERIAL PRIMARY KEY,
    user_id    INT REFERENCES users,
    product_id INT REFERENCES products,
    quantity   INT,
    order_date DATE,
    total      DECIMAL(10,2),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- clock_timestamp() and not NOW(): a transaction that began earlier but had to wait for the row would
-- otherwise set updated_at back behind the change that it waited for.
CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER products_updated_at BEFORE UPDATE ON products
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER orders_updated_at BEFORE UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- Without these every incremental read would scan the whole table.
CREATE INDEX users_updated_at ON users (updated_at);
CREATE INDEX products_updated_at ON products (updated_at);
CREATE INDEX orders_updated_at ON orders (updated_at);
