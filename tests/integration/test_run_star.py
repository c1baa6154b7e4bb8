"""The star of mappings/star.yml on the seed: what is loaded, and what the next runs change."""

from __future__ import annotations

import json

from tests.integration.stars import STAR, Stars, counts, entry_of, notices, untouched

ENTRIES = ("dim_date", "dim_users", "dim_products", "fact_orders")

# What the star should hold, asked of the source in another way than the mapping does.
SOURCE = {
    "users": """
        SELECT user_id, name, lower(email), substring(lower(email) FROM '@(.*)$'),
               CASE WHEN city IS NULL THEN 'Unknown' ELSE city END, created_at
        FROM users ORDER BY user_id
    """,
    "products": """
        SELECT product_id, name, CASE WHEN category IS NULL THEN 'Uncategorised' ELSE category END, price,
               (ARRAY['low', 'middle', 'high'])[1 + (price >= 20)::int + (price >= 100)::int]
        FROM products ORDER BY product_id
    """,
    "orders": """
        SELECT order_id, user_id, product_id, order_date, quantity, total,
               round(total / quantity, 2), round(total / 1.21, 2), round(total - total / 1.21, 2)
        FROM orders ORDER BY order_id
    """,
}
LOADED = {
    "users": """
        SELECT user_id, name, email, email_domain, city, created_at
        FROM dim_users WHERE user_key <> -1 ORDER BY user_id
    """,
    "products": """
        SELECT product_id, name, category, price, price_band
        FROM dim_products WHERE product_key <> -1 ORDER BY product_id
    """,
    "orders": """
        SELECT order_id, user_id, product_id, d.date, quantity, total, unit_price, net_total, vat
        FROM fact_orders
        JOIN dim_date AS d ON date_key = order_date_key
        JOIN dim_users USING (user_key) JOIN dim_products USING (product_key) ORDER BY order_id
    """,
}


def assert_equals_the_source(stars: Stars) -> None:
    for name, sql in LOADED.items():
        loaded = stars.warehouse(sql)
        assert loaded == stars.source(SOURCE[name]), name
        assert len(loaded) > 30


def test_the_star_equals_what_plain_sql_says_of_the_source(stars):
    report = stars.run(STAR)
    assert_equals_the_source(stars)
    assert report.status == "done"
    assert [entry.name for entry in report.entries] == list(ENTRIES)
    for entry in report.entries:
        assert entry.read == entry.inserted == entry.accounted > 0
    assert {check.status for check in report.checks} == {"pass"}
    # The order without a user is there, under the unknown member.
    assert stars.warehouse(
        "SELECT count(*), min(name) FROM fact_orders JOIN dim_users USING (user_key) WHERE user_key = -1"
    ) == stars.source("SELECT count(*), 'Unknown' FROM orders WHERE user_id IS NULL")


def test_days_are_numbered_named_and_complete(stars):
    stars.run(STAR)
    assert stars.warehouse(
        "SELECT count(*), min(date_key), max(date_key), sum(is_weekend::int) FROM dim_date WHERE date_key > 0"
    ) == [(4018, 20200101, 20301231, 1148)]
    assert stars.warehouse(
        "SELECT date::text, year, quarter, month_name, week, iso_year, day_of_week, day_name, "
        "week_start::text, fiscal_year, fiscal_quarter, fiscal_month FROM dim_date WHERE date_key = 20210103"
    ) == [("2021-01-03", 2021, 1, "January", 53, 2020, 7, "Sunday", "2020-12-28", 2021, 4, 10)]


def test_a_second_run_writes_no_row_and_burns_no_key(stars):
    stars.run(STAR)
    before = untouched(stars)
    assert len(before) == 6  # four tables, two sequences
    for _ in range(2):
        report = stars.run(STAR)
        assert untouched(stars) == before
        for entry in report.entries:
            assert entry.read == entry.unchanged
            assert entry.inserted == entry.updated == entry.deleted == entry.rejected == 0
    # What is read again is what ties with the watermark, not the table; a calendar is made anew.
    assert entry_of(report, "fact_orders").read < 10


def test_a_full_refresh_reads_everything_and_changes_nothing(stars):
    stars.run(STAR)
    before = untouched(stars)
    report = stars.run(STAR, full_refresh=True)
    assert untouched(stars) == before
    assert entry_of(report, "fact_orders").read > 500
    assert "a full refresh was asked for" in report.notices[-1].text


def test_new_orders_are_loaded_and_they_alone(stars):
    stars.run(STAR)
    before = untouched(stars)
    stars.source(
        "INSERT INTO orders (user_id, product_id, quantity, order_date, total) "
        "SELECT 1, product_id, 2, DATE '2025-03-01' + product_id, 2 * price FROM products LIMIT 3"
    )
    report = stars.run(STAR)
    assert entry_of(report, "fact_orders").inserted == 3
    assert entry_of(report, "fact_orders").read < 13
    assert {**untouched(stars), "fact_orders": 0} == {**before, "fact_orders": 0}
    after = untouched(stars)["fact_orders"]
    assert set(before["fact_orders"]) < set(after)
    assert len(after) == len(before["fact_orders"]) + 3
    assert_equals_the_source(stars)


def test_changes_arrive_in_place_and_the_deleted_stay(stars):
    stars.run(STAR)
    keys = stars.warehouse("SELECT user_id, user_key FROM dim_users ORDER BY 1")
    stars.source(
        "UPDATE users SET city = 'Tórshavn' WHERE user_id = 5;"
        "UPDATE users SET name = NULL WHERE user_id = 6;"
        "UPDATE products SET price = price + 1 WHERE product_id = 3;"
        "UPDATE orders SET quantity = quantity + 1 WHERE order_id IN (10, 11);"
        "DELETE FROM orders WHERE user_id = 7; DELETE FROM users WHERE user_id = 7"
    )
    report = stars.run(STAR)
    assert entry_of(report, "dim_users").updated == 2
    assert entry_of(report, "dim_products").updated == 1
    assert entry_of(report, "fact_orders").updated >= 2
    assert stars.warehouse("SELECT user_id, user_key FROM dim_users ORDER BY 1") == keys
    assert stars.warehouse(
        "SELECT name, city FROM dim_users WHERE user_id IN (5, 6) ORDER BY user_id"
    ) == [
        (stars.source("SELECT name FROM users WHERE user_id = 5")[0][0], "Tórshavn"),
        (None, stars.source("SELECT coalesce(city, 'Unknown') FROM users WHERE user_id = 6")[0][0]),
    ]
    assert stars.column("SELECT count(*) FROM dim_users WHERE user_id = 7") == [1]


def test_a_selected_dimension_is_loaded_alone_and_a_fact_with_its_dimensions(stars):
    stars.run(STAR, "dim_users")
    assert set(untouched(stars)) == {"dim_users", "dim_users_user_key_seq"}
    report = stars.run(STAR, "fact_orders")
    assert {entry.name for entry in report.entries} == {
        *("dim_date", "dim_users", "dim_products", "fact_orders")
    }
    assert "dim_products: is loaded too, as fact_orders looks it up" in notices(report)
    assert_equals_the_source(stars)
    stars.source("UPDATE products SET name = 'changed' WHERE product_id = 1")
    stars.run(STAR, "dim_users")
    assert stars.column("SELECT count(*) FROM dim_products WHERE name = 'changed'") == [0]
    assert counts(stars.run(STAR), "dim_products")["updated"] == 1


def test_a_selected_fact_finds_members_that_came_since_their_last_load(stars):
    stars.run(STAR)
    stars.source(
        "INSERT INTO users (name, email) VALUES ('Ada', 'ada@example.com');"
        " INSERT INTO orders (user_id, product_id, quantity, order_date, total)"
        " SELECT max(user_id), 1, 1, '2025-01-01', 5 FROM users"
    )
    assert counts(stars.run(STAR, "fact_orders"), "dim_users")["inserted"] == 1
    assert_equals_the_source(stars)


def test_the_command_line_reports_a_run_as_one_json_object(stars):
    first = stars.engine("run", STAR, "--report", "json")
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert (report["mapping"], report["status"], report["error"]) == ("star", "done", "")
    rows = {entry["name"]: entry for entry in report["entries"]}
    assert list(rows) == list(ENTRIES)
    (orders,) = stars.source("SELECT count(*) FROM orders")[0]
    assert rows["fact_orders"]["read"] == rows["fact_orders"]["inserted"] == orders
    assert {check["status"] for check in report["checks"]} == {"pass"}
    # One line of log for each step, then one for the run, all of this run.
    lines = [json.loads(line) for line in first.stderr.splitlines()]
    assert {line["run_id"] for line in lines} == {report["run_id"]}
    assert len([line for line in lines if "step" in line]) == len(report["steps"])
    again = stars.engine("run", STAR)
    assert again.returncode == 0
    assert "star: done" in again.stdout
    number = len(report["checks"])
    assert f"{number} of {number} checks passed" in again.stdout
