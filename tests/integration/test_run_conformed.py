"""A dimension that two stars share: one of them loads it at a time, and both find its members."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import CheckFailedError
from engine.plan.steps import InsertNew
from tests.integration.stars import UNKNOWN, Hook, counts, dimension, fact, notices, star, untouched

SHARED = dimension("SELECT id, name FROM items", special_members=UNKNOWN)
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def shop(name, source="items"):
    lookups = {"item_key": {"dimension": "dim_items", "on": "id"}}
    query = f"SELECT id, amount FROM {source}"
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


def test_facts_of_both_stars_are_pointed_to_a_version_that_comes_late(items):
    """The other star's run, which comes later, finds the version made already."""
    items.source(
        "ALTER TABLE items ADD at timestamp DEFAULT '2026-01-01', ADD read timestamptz DEFAULT now();"
        "UPDATE items SET name = 'old'; INSERT INTO items (id, name, at) VALUES (4, 'x', '2026-01-01');"
        "CREATE TABLE days (id int, item int, at timestamp);"
        "INSERT INTO days VALUES (1, 1, '2026-01-05'), (2, 1, '2026-01-15'), (3, 4, '2026-01-15')"
    )
    items.source("ALTER TABLE items DROP CONSTRAINT items_pkey")
    shared = dimension(
        "SELECT id, name, at, read FROM items",
        {"id": None, "name": {"scd": 2}},
        history={"effective": "at"},
        cursor="read",
        special_members=UNKNOWN,
    )
    lookups = {"item_key": {"dimension": "dim_items", "on": "item", "as_of": "at"}}
    sales, returns = (
        star(n, dim_items=shared, **{n: fact("SELECT * FROM days", "id at", lookups=lookups)})
        for n in ("sales", "returns")
    )
    for mapping in (sales, returns):
        items.run(mapping)
    items.source("INSERT INTO items (id, name, at) VALUES (1, 'new', '2026-01-10')")
    for mapping in (sales, returns):
        assert counts(items.run(mapping), "dim_items")["repointed"] == 1
        found = f"SELECT name FROM {mapping['name']} AS f JOIN dim_items AS d ON d.key = f.item_key"
        assert items.column(f"{found} ORDER BY f.id") == ["old", "new", "x"]
    before = untouched(items)
    for mapping in (sales, returns):
        items.run(mapping)
    assert untouched(items) == before


@pytest.mark.parametrize("loss", ["TRUNCATE dim_items", "DROP TABLE dim_items"])
def test_facts_of_both_stars_get_the_new_keys_of_a_dimension_that_was_made_anew(items, loss):
    sales, returns, third = (shop(name) for name in ("sales", "returns", "third"))
    third["connections"] = {"warehouse": {"env": "WAREHOUSE", "schema": "other"}}
    for mapping in (sales, returns, third):
        mapping["facts"][mapping["name"]]["source"]["cursor"] = "amount"
        items.run(mapping)
    items.warehouse(loss)
    items.source("DELETE FROM items WHERE id = 1")  # so that even a first key is another member's
    items.run(sales)
    report = items.run(returns)
    told = "another mapping has made a dimension of this star anew, whose members have new keys: everything"
    assert f"returns: {told}" in notices(report)
    for name in ("sales", "returns"):
        found = f"SELECT count(*) FROM {name} JOIN dim_items AS d ON d.key = item_key WHERE d.id = {name}.id"
        assert items.column(found) == [2]
    # The third has a table of its own, which is called alike.
    for mapping in (sales, returns, third):
        assert notices(items.run(mapping)) == ""


def test_a_star_that_has_moved_beside_another_one_gets_new_keys_too(items):
    sales, returns = shop("sales"), shop("returns")
    items.run({**returns, "connections": {"warehouse": {"env": "WAREHOUSE", "schema": "before"}}})
    for mapping in (returns, sales):
        mapping["facts"][mapping["name"]]["source"]["cursor"] = "amount"
        items.run(mapping)
    items.warehouse("TRUNCATE dim_items")
    items.run(sales)
    assert "returns: another mapping has made a dimension" in notices(items.run(returns))


def test_a_dimension_that_has_no_member_yet_was_not_made_anew(items):
    items.source("CREATE TABLE kept AS TABLE items; TRUNCATE items")
    mappings = [shop(name, source="kept") for name in ("sales", "returns")]
    for mapping in mappings * 2:
        assert "made a dimension" not in notices(items.run(mapping))
    items.source("INSERT INTO items TABLE kept")
    items.run(mappings[0])
    assert "returns: another mapping has made a dimension" in notices(items.run(mappings[1]))
    found = "SELECT count(*) FROM returns JOIN dim_items AS d ON d.key = item_key WHERE d.id = returns.id"
    assert items.column(found) == [3]


def test_a_check_of_one_star_looks_at_what_the_other_has_written(items):
    items.source("ALTER TABLE items ADD read timestamptz DEFAULT now()")
    shared = dimension("SELECT id, name, read FROM items", cursor="read")
    items.run(star("sales", dim_items=shared))
    checked = star("returns", dim_items={**shared, "checks": {"unique": "name"}})
    items.run(checked)
    items.source("INSERT INTO items VALUES (9, 'item 1', 9)")
    items.run(star("sales", dim_items=shared))
    with pytest.raises(CheckFailedError, match="check 'unique name' fails: 2"):
        items.run(checked)


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
