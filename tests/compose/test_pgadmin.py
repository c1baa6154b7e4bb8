"""pgAdmin, with the profile `ui`: log in, and the star is there, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compose.pgadmin import PgAdmin, browser, grid
from tests.compose.stack import ROOT, docker, free_port, listens

DEFAULT_PORT = 8080
STAR = ("Servers", "warehouse", "Databases", "warehouse", "Schemas", "public", "Tables")
SHOP = ("Servers", "source", "Databases", "shop", "Schemas", "public", "Tables")
QUERY = """\
SELECT d.year, p.category, count(*) AS orders, sum(f.total) AS total
FROM fact_orders f
JOIN dim_date d ON d.date_key = f.order_date_key
JOIN dim_products p USING (product_key)
GROUP BY d.year, p.category
ORDER BY d.year, total DESC, p.category;"""


@pytest.fixture(scope="module")
def ui(loaded):
    """The stack with pgAdmin."""
    loaded("--profile", "ui", "up", "--detach", "--wait", "pgadmin")
    return loaded


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def inside(chromium, ui):
    """What one sees after the login. One for all tests, for pgAdmin restores what was open before."""
    window = PgAdmin(chromium, int(ui.settings["PGADMIN_PORT"]))
    window.log_in(ui.settings["PGADMIN_EMAIL"], ui.settings["PGADMIN_PASSWORD"])
    return window


@pytest.fixture
def take(request):
    """Take a picture for the documentation, with --update-screenshots; else only try to."""
    wanted = request.config.getoption("--update-screenshots")

    def take(window: PgAdmin, name: str, folder: Path) -> None:
        window.take((ROOT / "docs/images" if wanted else folder) / name)

    return take


def test_nothing_listens_unless_the_profile_is_asked_for(fresh):
    # The port that the README names, unless somebody else has it.
    port = free_port() if listens(DEFAULT_PORT) else DEFAULT_PORT
    fresh.set(PGADMIN_PORT=port)
    fresh.up()
    assert fresh.container("pgadmin") == ""
    assert not listens(port)
    fresh("--profile", "ui", "up", "--detach", "--wait", "pgadmin")
    assert docker("port", fresh.container("pgadmin")) == f"5050/tcp -> 127.0.0.1:{port}"
    assert listens(port)


def test_an_empty_password_is_named(fresh):
    fresh.set(PGADMIN_PASSWORD="")
    output = fresh.try_("--profile", "ui", "run", "--rm", "--no-TTY", "--no-deps", "pgadmin")
    assert output.code == 1
    assert "PGADMIN_PASSWORD is empty: give it in .env" in output.error


def test_a_wrong_password_opens_nothing(chromium, ui):
    door = PgAdmin(chromium, int(ui.settings["PGADMIN_PORT"]))
    door.log_in(ui.settings["PGADMIN_EMAIL"], "not-the-right-one")
    door.page.get_by_text("Incorrect username or password").first.wait_for()
    assert door.page.locator(".file-tree").count() == 0
    door.page.close()


def test_both_servers_are_there_after_the_login(inside, take, tmp_path):
    inside.open("Servers", "source")
    inside.entry("Servers", "warehouse").wait_for()
    take(inside, "pgadmin-servers.png", tmp_path)


def test_a_table_of_the_star_opens_without_a_password(inside, ui, take, tmp_path):
    inside.open(*STAR, "fact_orders")
    for table in ("dim_date", "dim_products", "dim_users"):
        inside.entry(*STAR, table).wait_for()
    panel = inside.rows()
    wanted = ui.sql("warehouse", "SELECT * FROM fact_orders ORDER BY order_id LIMIT 5")
    assert grid(panel, len(wanted[0]))[:5] == wanted
    number = ui.value("warehouse", "SELECT count(*) FROM fact_orders")
    panel.get_by_text(f"Total rows: {number}").wait_for()
    take(inside, "pgadmin-fact-orders.png", tmp_path)


def test_a_table_of_the_source_opens_without_a_password(inside, ui):
    inside.open(*SHOP, "users")
    wanted = ui.sql("source-db", "SELECT * FROM users ORDER BY user_id LIMIT 3")
    found = grid(inside.rows(), len(wanted[0]))[:3]
    assert [row[:3] for row in found] == [row[:3] for row in wanted]  # then come times


def test_a_query_over_the_star(inside, ui, take, tmp_path):
    inside.open(*STAR, "fact_orders")
    panel = inside.query(QUERY)
    wanted = ui.sql("warehouse", QUERY)
    assert grid(panel, 4)[:5] == wanted[:5]
    take(inside, "pgadmin-query.png", tmp_path)
