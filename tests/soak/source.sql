-- What the writers of the soak write: members with a history, facts that change, and facts that only come.

CREATE TABLE users (
    user_id serial PRIMARY KEY,
    name    text NOT NULL,
    city    text
);

-- Every state that a user was in. Its key is drawn before its transaction ends, in which order those may.
CREATE TABLE user_changes (
    change_id  bigserial PRIMARY KEY,
    user_id    int NOT NULL,
    name       text NOT NULL,
    city       text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO user_changes (user_id, name, city) VALUES (NEW.user_id, NEW.name, NEW.city);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_change AFTER INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note_change();

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TABLE products (
    product_id serial PRIMARY KEY,
    name       text NOT NULL,
    price      numeric(10,2) NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER touch BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION touch();

CREATE TABLE orders (
    order_id   serial PRIMARY KEY,
    user_id    int NOT NULL REFERENCES users,
    product_id int NOT NULL REFERENCES products,
    quantity   int NOT NULL,
    total      numeric(10,2) NOT NULL,
    ordered_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE INDEX ON orders (updated_at);

CREATE TABLE payments (
    payment_id bigserial PRIMARY KEY,
    order_id   int NOT NULL REFERENCES orders,
    amount     numeric(10,2) NOT NULL
);

INSERT INTO users (name, city) SELECT 'User ' || n, 'City ' || n % 50 FROM generate_series(1, 500) AS n;
INSERT INTO products (name, price) SELECT 'Product ' || n, n FROM generate_series(1, 100) AS n;
