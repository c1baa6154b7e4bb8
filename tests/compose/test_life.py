"""What stays when the stack is taken down, and what goes."""

from __future__ import annotations

from tests.compose.stack import add_orders, assert_star_is_right, docker, until


def test_down_and_up_keep_the_data_and_volumes_take_it_away(fresh):
    fresh.up()
    add_orders(fresh, 3)
    fresh.run()
    keys = "SELECT user_id, user_key FROM dim_users ORDER BY user_id"
    before = fresh.sql("warehouse", keys)
    fresh("down")
    assert fresh.container("warehouse") == ""
    fresh.up()
    assert fresh.value("source-db", "SELECT count(*) FROM orders") == "723"
    assert fresh.value("warehouse", "SELECT count(*) FROM fact_orders") == "723"
    assert fresh.value("warehouse", "SELECT count(*) FROM engine.run") == "3"
    assert fresh.sql("warehouse", keys) == before
    assert_star_is_right(fresh)
    fresh("down", "--volumes")
    fresh.up()
    assert fresh.value("source-db", "SELECT count(*) FROM orders") == "720"
    assert fresh.value("warehouse", "SELECT count(*) FROM engine.run") == "1"
    assert_star_is_right(fresh)


def test_the_warehouse_starts_with_an_empty_star(fresh):
    fresh("up", "--detach", "--wait", "warehouse", "source-db")
    tables = ("dim_date", "dim_users", "dim_products", "fact_orders")
    for table in tables:
        assert fresh.value("warehouse", f"SELECT count(*) FROM {table}") == "0"
    for table, rows in (("users", 68), ("products", 44), ("orders", 720)):
        assert fresh.value("source-db", f"SELECT count(*) FROM {table}") == str(rows)


def test_a_database_that_crashes_comes_back_by_itself(fresh):
    fresh.up()
    container = fresh.container("warehouse")
    asked = ("inspect", "--format", "{{.RestartCount}}")
    # SIGQUIT is PostgreSQL's own emergency exit; `docker kill` would count as wanted, and not be restarted.
    fresh("exec", "--no-TTY", "warehouse", "sh", "-c", "kill -QUIT 1")
    until("a restart", lambda: docker(*asked, container) == "1")
    fresh("up", "--detach", "--wait", "warehouse")
    assert_star_is_right(fresh)


def test_other_names_and_passwords_with_any_character(fresh):
    fresh.set(
        SOURCE_DB="the shop",
        SOURCE_USER="Reader's own",
        WAREHOUSE_DB="Ware-house",
        WAREHOUSE_USER='engine"x',
        SOURCE_PASSWORD="'it: \\\\ # % & / é ; $ x'",
    )
    fresh.up()
    assert fresh.value("warehouse", "SELECT count(*) FROM fact_orders") == "720"
