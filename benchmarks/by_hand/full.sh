#!/bin/sh
# The star of mappings/star.yml by hand, into an empty schema: three binary streams side by side into
# unlogged stages, and one session that builds each table, in one transaction, as soon as its stage is
# full. Wants PSQL (the program), SOURCE and WAREHOUSE (URLs).
set -eu
cd "$(dirname "$0")/sql"

copy() {  # name, query
  "$PSQL" -Xqd "$SOURCE" -c "COPY ($2) TO STDOUT (FORMAT binary)" |
    "$PSQL" -Xq1 -v ON_ERROR_STOP=1 -d "$WAREHOUSE" -f "stage_$1.sql" \
      -c "COPY stage_$1 FROM STDIN (FORMAT binary, FREEZE)"
}

{
  copy users 'SELECT user_id, name, email, city, created_at, updated_at FROM users' >&2 & users=$!
  copy products 'SELECT product_id, name, category, price, updated_at FROM products' >&2 & products=$!
  copy orders 'SELECT order_id, user_id, product_id, quantity, order_date, total, updated_at FROM orders' >&2 & orders=$!
  echo 'BEGIN;'
  cat load_dates.sql
  wait $products
  cat load_products.sql
  wait $users
  cat load_users.sql
  wait $orders
  cat load_orders.sql
  echo 'COMMIT;'
} | "$PSQL" -Xq -v ON_ERROR_STOP=1 -d "$WAREHOUSE"
