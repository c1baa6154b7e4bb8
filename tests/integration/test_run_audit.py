"""Audit columns: who wrote a row and when; they are no change, and what is unchanged keeps them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.integration.stars import (
    UNKNOWN,
    Entry,
    Stars,
    counts,
    dimension,
    fact,
    notices,
    star,
    untouched,
)

AUDIT = "_run_id::text, _source, _loaded_at = _updated_at"


@pytest.fixture
def shop(stars) -> Stars:
    stars.source(
        "CREATE TABLE people (id int PRIMARY KEY, name text, city text, at timestamp DEFAULT '2026-01-01');"
        "INSERT INTO people (id, name, city) VALUES (1, 'Ada', 'Rome'), (2, 'Bob', 'Bonn');"
        "CREATE TABLE sales (id int PRIMARY KEY, person int, amount numeric,"
        " sold timestamp DEFAULT '2026-03-01');"
        "INSERT INTO sales VALUES (1, 1, 10), (2, 2, 20)"
    )
    return stars


def mapping(load: str = "upsert", **words: object) -> Entry:
    people = dimension(
        "SELECT * FROM people",
        {"id": None, "name": None, "city": {"scd": 2}},
        history={"effective": "at"},
        special_members=UNKNOWN,
    )
    days = {
        "calendar": {"from": "2026-03-01", "to": "2026-03-02"},
        "key": "day_key",
        "columns": {"date": None, "day": None},
    }
    lookups = {
        "person_key": {"dimension": "dim_people", "on": "person", "as_of": "sold"},
        "day_key": {"dimension": "dim_days", "on": "sold", "missing": "fail"},
    }
    columns = "id amount sold"
    sales = fact("SELECT * FROM sales", columns, lookups=lookups, load=load)
    return {**star(dim_people=people, dim_days=days, sales=sales), "audit": True, **words}


def audit(stars: Stars, table: str, order: str) -> list[tuple[object, ...]]:
    return stars.warehouse(f"SELECT {AUDIT} FROM {table} ORDER BY {order}")


def test_rows_tell_which_run_wrote_them(shop):
    before = datetime.now(UTC)
    first = shop.run(mapping()).run_id
    for table, order, source in (
        ("dim_people", "key", "source"),
        ("dim_days", "day_key", "engine"),
        ("sales", "id", "source"),
    ):
        assert set(audit(shop, table, order)) == {(first, source, True)}
    (loaded,) = set(
        shop.column("SELECT _loaded_at FROM sales UNION SELECT _loaded_at FROM dim_days")
    )
    assert before < loaded < datetime.now(UTC)
    seen = untouched(shop)
    report = shop.run(mapping())
    assert counts(report, "sales") == {"read": 2, "unchanged": 2}
    assert notices(report) == ""
    assert untouched(shop) == seen

    # A new fact, a changed fact, a corrected member, a new version of one that moves facts along.
    shop.source(
        "INSERT INTO sales VALUES (3, 9, 30); UPDATE sales SET amount = 11 WHERE id = 1;"
        "UPDATE people SET city = 'Oslo', at = '2026-02-01' WHERE id = 2"
    )
    second = shop.run(mapping()).run_id
    assert audit(shop, "sales", "id") == [
        (second, "source", False),
        (
            second,
            "source",
            False,
        ),  # it is nobody's row that changed, but it points to the new version
        (second, "source", True),
    ]
    assert shop.warehouse(f"SELECT id, city, {AUDIT} FROM dim_people ORDER BY id, valid_from") == [
        (1, "Rome", first, "source", True),
        (2, "Bonn", second, "source", False),
        (2, "Oslo", second, "source", True),
        (None, None, first, "source", True),
    ]
    assert set(shop.column("SELECT _run_id::text FROM dim_days")) == {first}
    shop.warehouse("UPDATE dim_people SET city = 'by hand' WHERE key = -1")
    third = shop.run(mapping()).run_id
    assert audit(shop, "dim_people", "key")[0] == (third, "source", False)
    assert set(shop.column("SELECT _run_id::text FROM sales")) == {second}


def test_rows_that_are_read_by_a_cursor_tell_it_too(shop):
    days = {"cursor": "at"}
    people = dimension("SELECT id, name, at FROM people", "id name", **days)
    sales = fact("SELECT *, sold AS at FROM sales", "id amount", load="upsert", **days)
    words = {**star(dim_people=people, sales=sales), "audit": True}
    first = shop.run(words).run_id
    shop.source(
        "UPDATE people SET name = 'Eve', at = at + interval '1 day' WHERE id = 2;"
        "INSERT INTO people VALUES (4, 'Zoe', 'Rome', '2026-01-03'), (3, 'Kim', 'Rome', '2026-01-04');"
        "UPDATE sales SET amount = 22, sold = sold + interval '1 day' WHERE id = 2"
    )
    second = shop.run(words).run_id
    assert audit(shop, "sales", "id") == [(first, "source", True), (second, "source", False)]
    assert shop.warehouse(f"SELECT key, id, {AUDIT} FROM dim_people ORDER BY id") == [
        (1, 1, first, "source", True),
        (2, 2, second, "source", False),
        (3, 3, second, "source", True),
        (4, 4, second, "source", True),
    ]


def test_audit_can_come_later_and_go_again(shop):
    plain, some = mapping(audit=False), mapping("append", audit=["run_id", "loaded_at"])
    plain["facts"]["sales"]["load"] = "append"
    some["dimensions"]["dim_days"]["audit"] = "source"
    shop.run(plain)
    rows = "SELECT id, _run_id::text, _loaded_at IS NULL FROM sales ORDER BY 1"
    before = shop.warehouse("SELECT id, xmin::text FROM sales")
    shop.run(some)
    assert shop.warehouse(rows) == [(1, None, True), (2, None, True)]
    assert shop.warehouse("SELECT id, xmin::text FROM sales") == before
    assert shop.column("SELECT DISTINCT _source FROM dim_days") == [None]
    shop.source("INSERT INTO sales VALUES (3, 1, 30)")
    second = shop.run(some).run_id
    assert shop.warehouse(rows)[2:] == [(3, second, False)]
    assert not shop.plan(some).schema
    assert "_updated_at" not in shop.engine("ddl", shop.write(some)).stdout
    report = shop.run(plain)
    assert "column '_run_id' is no longer in the mapping" in notices(report)
    shop.source("INSERT INTO sales VALUES (4, 1, 40)")
    shop.run(plain)
    assert shop.warehouse(rows)[3:] == [(4, None, True)]
