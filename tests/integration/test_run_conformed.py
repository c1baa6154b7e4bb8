"""A dimension that two stars share: one of them loads it at a time, and both find its members."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.plan.steps import InsertNew
from tests.integration.stars import UNKNOWN, Hook, counts, dimension, fact, notices, star, untouched

SHARED = dimension("SELECT id, name FROM items", special_members=UNKNOWN)
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def shop(name):
    lookups = {"item_key": {"dimension": "dim_items", "on": "id"}}
    query = "SELECT id, amount FROM items"
    return star(name, dim_items=SHARED, **{name: fact(query, lookups=lookups)})


@pytest.fixture
def items(stars):
    stars.source(
        "CREATE TABLE items (id integer PRIMARY KEY, name text, amount numeric);"
        " INSERT INTO items SELECT n, 'item ' || n, n FROM generate_series(1, 3) AS n"
    )
    return stars


def test_two_stars_load_a_dimension_that_they_share_one_after_the_other(items):
    with ThreadPoolExecutor(1) as pool:
        second = []

        def begin_the_other():
            second.append(pool.submit(items.run, shop("returns")))
            limit = time.monotonic() + 30
            while items.column(WAITING) == [0] and time.monotonic() < limit:
                time.sleep(0.02)
            assert items.column(WAITING) == [1]

        hook = Hook(InsertNew, "dim_items", begin_the_other)
        assert counts(items.run(shop("sales"), listener=hook), "dim_items")["inserted"] == 3
        report = second[0].result(30)
    assert counts(report, "dim_items") == {"read": 3, "unchanged": 3}
    assert counts(report, "returns") == {"read": 3, "inserted": 3}
    assert items.warehouse("TABLE returns ORDER BY id") == items.warehouse(
        "TABLE sales ORDER BY id"
    )


def test_stars_that_share_nothing_do_not_wait_for_each_other(items):
    one, other = (star(n, **{f"dim_{n}": SHARED}) for n in ("one", "other"))
    with ThreadPoolExecutor(1) as pool:
        hook = Hook(InsertNew, "dim_one", lambda: pool.submit(items.run, other).result(30))
        items.run(one, listener=hook)
    assert items.column("SELECT count(*) FROM dim_other WHERE key > 0") == [3]


def validated(items, mapping):
    done = items.engine("validate", items.write(mapping), "--connect")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_differs_from_the_definition_is_told(items):
    items.run(shop("sales"))
    assert "note:" not in validated(items, shop("sales"))
    assert notices(items.run(shop("sales"))) == ""
    items.warehouse(
        "UPDATE dim_items SET name = 'by hand' WHERE key = -1; ALTER TABLE dim_items ADD extra int;"
        "DROP INDEX dim_items_id_key; ALTER TABLE sales DROP COLUMN amount"
    )
    told = validated(items, shop("sales"))
    for text in (
        "dim_items: the special member 'unknown' is not there as the mapping says: a run puts it right",
        "dim_items: the unique index dim_items_id_key is not there: a run puts it right",
        "dim_items: column 'extra' is no longer in the mapping",
        "sales: column 'amount' is not in the table: a run puts it right",
    ):
        assert f"  note: {text}" in told
    report = items.run(shop("sales"))
    assert (
        "'unknown' is not there as the mapping says, though the mapping did not change"
        in notices(report)
    )
    assert "note: dim_items: column 'extra'" in validated(items, shop("sales"))
    assert "'unknown'" not in validated(items, shop("sales"))


def test_two_stars_that_define_one_dimension_otherwise_are_told(items):
    items.run(shop("sales"))
    assert notices(items.run(shop("returns"))) == ""
    before = items.warehouse("TABLE engine.dimension")
    items.run(shop("returns"))
    assert items.warehouse("TABLE engine.dimension") == before
    other = shop("sales")
    other["dimensions"]["dim_items"] = dimension(
        "SELECT id, upper(name) AS name FROM items", special_members=UNKNOWN
    )
    assert "the mapping 'returns' loaded this table last, and defines it otherwise" in validated(
        items, other
    )
    assert "'returns' loaded this table last" in notices(items.run(other))
    seen = untouched(items)
    assert notices(items.run(other)) == ""
    assert untouched(items) == seen
    assert (
        "'sales' loaded this table last"
        in items.engine("plan", items.write(shop("returns"))).stdout
    )


def test_what_another_mapping_wrote_is_put_right_though_the_source_has_not_changed(items):
    items.source("ALTER TABLE items ADD changed timestamptz NOT NULL DEFAULT '2026-01-01 00:00+00'")

    def defined(name, expr):
        query = f"SELECT id, {expr} AS name, changed FROM items"
        return star(name, dim_items=dimension(query, special_members=UNKNOWN, cursor="changed"))

    upper, plain = defined("sales", "upper(name)"), defined("returns", "name")
    items.run(upper)
    wanted = items.warehouse("SELECT id, name FROM dim_items ORDER BY 1")
    items.run(plain)
    assert items.warehouse("SELECT id, name FROM dim_items ORDER BY 1") != wanted
    report = items.run(upper)
    assert items.warehouse("SELECT id, name FROM dim_items ORDER BY 1") == wanted
    assert (
        "dim_items: another mapping, which defines it otherwise, was the last to load it: everything is read"
        in notices(report)
    )
    assert notices(items.run(upper)) == ""
