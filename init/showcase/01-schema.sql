-- The source of mappings/showcase.yml: a wholesaler with accounts that several customers share, a staff with
-- managers, orders that go through stages, and a stock. Times are those of the shop, without a zone.

CREATE TABLE customers (
    customer_id int PRIMARY KEY,
    name text NOT NULL,
    city text,
    segment text NOT NULL,
    age_band text,
    income_band text,
    updated_at timestamp NOT NULL
);

CREATE TABLE accounts (
    account_id int PRIMARY KEY,
    iban text NOT NULL,
    opened_on date NOT NULL
);

CREATE TABLE account_holders (
    account_id int NOT NULL REFERENCES accounts,
    customer_id int NOT NULL REFERENCES customers,
    share numeric(5,4) NOT NULL,
    PRIMARY KEY (account_id, customer_id)
);

CREATE TABLE employees (
    employee_id int PRIMARY KEY,
    name text NOT NULL,
    title text NOT NULL,
    manager_id int,
    updated_at timestamp NOT NULL
);

CREATE TABLE brands (
    brand_id int PRIMARY KEY,
    name text NOT NULL,
    country text NOT NULL
);

CREATE TABLE products (
    product_id int PRIMARY KEY,
    name text NOT NULL,
    brand_id int REFERENCES brands,
    list_price numeric(10,2) NOT NULL,
    updated_at timestamp NOT NULL
);

-- Orders tell of customers and accounts that may come later: no foreign keys.
CREATE TABLE orders (
    order_id int PRIMARY KEY,
    order_number text NOT NULL,
    customer_id int,
    account_id int,
    employee_id int,
    channel text NOT NULL,
    payment text,
    is_gift boolean,
    ordered_at timestamp NOT NULL,
    paid_at timestamp,
    shipped_at timestamp,
    delivered_at timestamp,
    updated_at timestamp NOT NULL
);

-- A product may be sold before it is in the catalogue: no foreign key.
CREATE TABLE order_lines (
    order_id int NOT NULL REFERENCES orders,
    line_number int NOT NULL,
    product_id int NOT NULL,
    quantity int NOT NULL,
    amount numeric(12,2) NOT NULL,
    PRIMARY KEY (order_id, line_number)
);

CREATE TABLE promotions (
    promotion_id int PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE promoted_products (
    promotion_id int NOT NULL REFERENCES promotions,
    product_id int NOT NULL REFERENCES products,
    day date NOT NULL,
    PRIMARY KEY (promotion_id, product_id, day)
);

CREATE TABLE stock_movements (
    movement_id int PRIMARY KEY,
    product_id int NOT NULL,
    moved_at timestamp NOT NULL,
    quantity int NOT NULL
);
