"""Accumulating snapshots: milestones are kept, lags follow, open ones have a member of their own."""

from __future__ import annotations

import pytest

from engine.errors import MappingError
from tests.integration.stars import UNKNOWN, counts, fact, star, untouched

DAY = {
    "calendar": {"from": "2026-01-01", "to": "2026-12-31"},
    "key": "day_key",
    "columns": {"date": None},
    "special_members": UNKNOWN,
}
ORDERS = "SELECT id, ordered_at, paid_at, shipped_on, total FROM parcels"
FACT = (
    "SELECT id, ordered_at::text, paid_at::text, shipped_on::text, to_pay, to_ship, ship_key "
    "FROM fact_order ORDER BY id"
)
WORDS = {
    "load": "accumulate",
    "milestones": ["ordered_at", "paid_at", "shipped_on"],
    "lags": {
        "to_pay": {"from": "ordered_at", "to": "paid_at", "unit": "hours"},
        "to_ship": {"from": "ordered_at", "to": "shipped_on"},
    },
    "lookups": {"ship_key": {"dimension": "dim_day", "on": {"date": "shipped_on"}}},
}


def orders(**more):
    columns = "id ordered_at paid_at shipped_on total"
    return star(dim_day=DAY, fact_order=fact(ORDERS, columns, **{**WORDS, **more}))


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE parcels (id int, ordered_at timestamptz, paid_at timestamp, "
        "shipped_on date, total int);"
        "INSERT INTO parcels VALUES (1, '2026-03-01 12:00+00', NULL, NULL, 5),"
        "(2, '2026-03-01 12:00+00', '2026-03-01 13:30', NULL, 6), (3, NULL, 'infinity', '2026-03-03', 7)"
    )
    return stars


def test_a_row_gets_further_and_keeps_what_it_has_reached(shop):
    assert counts(shop.run(orders()), "fact_order") == {"read": 3, "inserted": 3}
    noon = "2026-03-01 12:00:00+00"
    assert [row[4:] for row in shop.warehouse(FACT)] == [
        (None, None, -1), (1.5, None, -1), (None, None, 20260303)
    ]  # fmt: skip
    before = untouched(shop)
    assert counts(shop.run(orders()), "fact_order") == {"read": 3, "unchanged": 3}
    assert untouched(shop) == before

    shop.source(
        "UPDATE parcels SET paid_at = '2026-03-01 18:00', shipped_on = '2026-03-04' WHERE id = 1"
    )
    shop.source("UPDATE parcels SET paid_at = NULL, total = NULL WHERE id = 2")  # archived
    shop.source("UPDATE parcels SET shipped_on = '2026-03-05' WHERE id = 3")  # corrected
    assert counts(shop.run(orders()), "fact_order") == {"read": 3, "updated": 3}
    after = [
        (1, noon, "2026-03-01 18:00:00", "2026-03-04", 6, 2.5, 20260304),
        (2, noon, "2026-03-01 13:30:00", None, 1.5, None, -1),
        (3, None, "infinity", "2026-03-05", None, None, 20260305),
    ]
    assert shop.warehouse(FACT) == after
    assert shop.column("SELECT total FROM fact_order ORDER BY id") == [5, None, 7]

    shop.source("UPDATE parcels SET ordered_at = NULL, paid_at = NULL, shipped_on = NULL")
    before = untouched(shop)
    for full_refresh in (False, True):
        report = shop.run(orders(), full_refresh=full_refresh)
        assert counts(report, "fact_order") == {"read": 3, "unchanged": 3}
    assert untouched(shop) == before
    assert shop.warehouse(FACT) == after


def test_a_day_that_has_not_come_is_open_and_no_unknown_one(shop):
    """Open, reached, corrected, taken back: kept where it is a milestone, open again where it is none."""
    day = {**DAY, "special_members": {**UNKNOWN, "not_yet": {"key": -2}}}
    ship = {"dimension": "dim_day", "on": {"date": "shipped_on"}, "null": "not_yet"}
    due = {"dimension": "dim_day", "on": {"date": "due_on"}, "null": "not_yet"}
    query = "SELECT *, shipped_on AS due_on FROM parcels"
    words = {**WORDS, "lookups": {"ship_key": ship, "due_key": due}}
    mapping = star(
        dim_day=day, fact_order=fact(query, "id ordered_at paid_at shipped_on due_on", **words)
    )
    keys = "SELECT ship_key, due_key FROM fact_order WHERE id = 1"
    shop.run(mapping)
    assert shop.warehouse(keys) == [(-2, -2)]
    for told, ship_key, due_key in (
        ("'2026-03-04'", 20260304, 20260304),
        ("'2026-03-05'", 20260305, 20260305),
        ("NULL", 20260305, -2),
        ("'2062-03-05'", -1, -1),  # beyond the calendar
        ("NULL", -1, -2),
    ):
        shop.source(f"UPDATE parcels SET shipped_on = {told} WHERE id = 1")
        assert counts(shop.run(mapping), "fact_order") == {"read": 3, "updated": 1, "unchanged": 2}
        assert shop.warehouse(keys) == [(ship_key, due_key)]
    before = untouched(shop)
    assert counts(shop.run(mapping, full_refresh=True), "fact_order")["unchanged"] == 3
    assert untouched(shop) == before


def test_a_fact_begins_to_accumulate_and_its_grain_may_be_looked_up(shop):
    grain = {"dimension": "dim_day", "on": {"date": "date '2026-01-01' + id"}, "missing": "fail"}
    lookups = {**WORDS["lookups"], "id_key": grain}
    plain = fact(ORDERS, "id ordered_at total", load="upsert", grain="id_key", lookups=lookups)
    shop.run(star(dim_day=DAY, fact_order=plain))
    mapping = orders(grain="id_key", lookups=lookups)
    shop.run(mapping)
    shop.source("UPDATE parcels SET paid_at = NULL")
    assert counts(shop.run(mapping), "fact_order") == {"read": 3, "unchanged": 3}
    assert shop.column("SELECT to_pay FROM fact_order ORDER BY id") == [None, 1.5, None]
    comment = (
        "SELECT col_description(attrelid, attnum) FROM pg_attribute "
        "WHERE attrelid = 'fact_order'::regclass AND attname = 'to_pay'"
    )
    assert shop.column(comment) == ["Hours from ordered_at to paid_at (additive measure, hours)"]


def test_a_milestone_is_a_time(shop):
    with pytest.raises(MappingError, match="'total' is integer, and a milestone needs a date"):
        shop.run(orders(milestones=[*WORDS["milestones"], "total"]))
