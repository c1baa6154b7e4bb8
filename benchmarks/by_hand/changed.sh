#!/bin/sh
# What has changed in the source since full.sh or the last changed.sh: rows from the watermark on, staged
# side by side, then one transaction. Wants PSQL (the program), SOURCE and WAREHOUSE (URLs).
set -eu
cd "$(dirname "$0")/sql"

copy() {  # name, query
  "$PSQL" -Xqd "$SOURCE" -c "COPY ($2) TO STDOUT (FORMAT binary)" |
    "$PSQL" -Xq1 -v ON_ERROR_STOP=1 -d "$WAREHOUSE" -f "stage_$1.sql" \
      -c "COPY stage_$1 FROM STDIN (FORMAT binary, FREEZE)"
}

marks=$("$PSQL" -XqAt -F '|' -d "$WAREHOUSE" -c 'SELECT users, products, orders FROM watermark')
users_from=${marks%%|*} orders_from=${marks##*|}
products_from=${marks#*|} products_from=${products_from%|*}

copy users "SELECT user_id, name, email, city, created_at, updated_at FROM users
  WHERE updated_at >= '$users_from'" & users=$!
copy products "SELECT product_id, name, category, price, updated_at FROM products
  WHERE updated_at >= '$products_from'" & products=$!
copy orders "SELECT order_id, user_id, product_id, quantity, order_date, total, updated_at
  FROM orders WHERE updated_at >= '$orders_from'" & orders=$!
wait $users
wait $products
wait $orders
"$PSQL" -Xq1 -v ON_ERROR_STOP=1 -d "$WAREHOUSE" -f merge.sql
