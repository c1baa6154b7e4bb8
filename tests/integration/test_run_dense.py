"""Dense snapshots: each member has a row in each period that is read, also when nothing happened."""

from __future__ import annotations

from datetime import date

import pytest

from engine.database.source import Origin
from engine.errors import CheckFailedError
from engine.plan.span import Span
from engine.run import Options, run
from tests.integration.stars import (
    UNKNOWN,
    counts,
    dimension,
    fact,
    notices,
    star,
    untouched,
    verdicts,
)

SALES = """
SELECT product AS id, max(seller) AS seller, sum(pieces) AS pieces, max(price) AS price, max(note) AS note
FROM sales WHERE day >= period.start AND day < period.end GROUP BY product
"""
COLUMNS = {
    "month": None,
    "pieces": {"measure": "additive"},
    "stock": {"expr": "pieces * 1.5", "type": "numeric(9,2)", "measure": "semi-additive"},
    "price": {"measure": "non-additive"},
    "note": None,
    "label": {"expr": "coalesce(note, 'nothing')"},
}
EVERY = {"every": "month", "column": "month", "from": "2026-01-01", "dense": "good_key"}
GOODS = dimension("SELECT id, name FROM goods", "id name", key="good_key", special_members=UNKNOWN)
TABLE = """
SELECT to_char(month, 'MM'), id, pieces FROM fact_sale JOIN dim_good USING (good_key) ORDER BY 1, 2
"""


@pytest.fixture
def shop(stars, monkeypatch):
    stars.today = date(2026, 2, 10)
    monkeypatch.setattr(Origin, "today", property(lambda _: stars.today))
    stars.source(
        "CREATE TABLE goods (id int PRIMARY KEY, name text, city text, since date);"
        "CREATE TABLE sales (product int, seller int, day date, pieces int, price numeric(6,2), note text);"
        "INSERT INTO goods VALUES (1, 'Tea', 'Ulm', '2026-01-01'), (2, 'Mug', 'Ulm', '2026-01-01');"
        "INSERT INTO sales VALUES (1, 7, '2026-01-05', 10, 2.50, 'first'), (1, 7, '2026-02-03', 4, 2, 'x')"
    )
    return stars


def sales(query=SALES, goods=GOODS, lookup=None, dense=EVERY, columns=COLUMNS, **more):
    lookups = {
        "good_key": {"dimension": "dim_good", "on": "id", "missing": "fail", **(lookup or {})}
    }
    words = {
        "grain": ["month", "good_key"],
        "load": "snapshot",
        "snapshot": dense,
        "allow_empty": True,
    }
    given = {**words, **more, "lookups": {**lookups, **more.get("lookups", {})}}
    return star(dim_good=goods, fact_sale=fact(query, columns, **given))


def again(stars, mapping, low, high):
    loaded = stars.load(mapping)
    return run(loaded, stars.settings(loaded, {}), Options(span=Span(low, high)))


def test_a_member_has_a_row_also_when_nothing_happened(shop):
    noted = {"not_null": "note", "severity": "warn"}
    mapping = sales(checks=[{"row_count": "source"}, {"not_null": "pieces"}, noted])
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {"read": 2, "filled": 2, "inserted": 4}
    assert verdicts(report) == {
        "row_count source": ("pass", 0), "not_null pieces": ("pass", 0), "not_null note": ("warn", 2)
    }  # fmt: skip
    assert shop.warehouse(TABLE) == [("01", 1, 10), ("01", 2, 0), ("02", 1, 4), ("02", 2, 0)]
    made = "SELECT DISTINCT pieces, stock::text, price, note, label FROM fact_sale WHERE pieces = 0"
    assert shop.warehouse(made) == [(0, "0.00", None, None, None)]
    before = untouched(shop)
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {"read": 1, "filled": 1, "unchanged": 2}
    assert verdicts(report)["not_null note"] == ("warn", 1), "checks look at what was filled, too"
    assert untouched(shop) == before
    past = [line.split()[-3] for line in shop.engine("history").stdout.splitlines()]
    assert past == ["filled", "1", "2"]
    assert shop.warehouse("SELECT count(*) FROM pg_tables WHERE schemaname = 'engine_stage'") == [
        (0,)
    ]


def test_a_row_that_comes_later_takes_the_place_of_the_filled_one(shop):
    mapping = sales(checks=[{"row_count": "source"}], audit=["loaded_at", "updated_at"])
    shop.run(mapping)
    there = (
        "SELECT _loaded_at, _updated_at > _loaded_at FROM fact_sale JOIN dim_good USING (good_key) "
    )
    there += "WHERE id = 2 AND month = '2026-02-01'"
    ((loaded, changed),) = shop.warehouse(there)
    assert not changed
    shop.source("INSERT INTO sales VALUES (2, 7, '2026-02-09', 3, 8, 'late')")
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {"read": 2, "updated": 1, "unchanged": 1}
    assert shop.warehouse(there) == [(loaded, True)]
    assert shop.warehouse(TABLE)[-1] == ("02", 2, 3)

    shop.source("DELETE FROM sales WHERE product = 2")
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {"read": 1, "filled": 1, "updated": 1, "unchanged": 1}
    assert shop.warehouse(TABLE)[-1] == ("02", 2, 0), "it says again that nothing happened"


def test_periods_that_are_over_stay_and_are_filled_again_when_they_are_asked_for(shop):
    mapping = sales()
    shop.run(mapping)
    shop.source(
        "INSERT INTO goods VALUES (3, 'Jug'); INSERT INTO sales VALUES (2, 7, '2026-01-09', 5, 1)"
    )
    shop.today = date(2026, 3, 5)
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {"read": 1, "filled": 5, "unchanged": 2, "inserted": 4}
    assert shop.warehouse(TABLE) == [
        ("01", 1, 10), ("01", 2, 0),
        ("02", 1, 4), ("02", 2, 0), ("02", 3, 0),
        ("03", 1, 0), ("03", 2, 0), ("03", 3, 0),
    ]  # fmt: skip
    report = again(shop, mapping, date(2026, 1, 20), date(2026, 1, 21))
    assert counts(report, "fact_sale") == {
        "read": 2, "filled": 1, "updated": 1, "unchanged": 1, "inserted": 1
    }  # fmt: skip
    assert shop.warehouse(TABLE)[:3] == [("01", 1, 10), ("01", 2, 5), ("01", 3, 0)]
    before = untouched(shop)
    to_come = again(shop, sales(allow_empty=False), date(2026, 9, 1), date(2026, 9, 2))
    assert counts(to_come, "fact_sale") == {}
    report = shop.run(mapping, full_refresh=True)
    assert counts(report, "fact_sale") == {"read": 3, "filled": 6, "unchanged": 9}
    assert untouched(shop) == before


def test_a_query_without_a_row_fills_nothing_unless_that_is_said_to_be_right(shop):
    shop.source("TRUNCATE sales")
    mapping = sales(allow_empty=False)
    for _ in range(2):
        with pytest.raises(CheckFailedError, match=r"dense would say .* say allow_empty: true"):
            shop.run(mapping)
        assert not shop.warehouse("SELECT FROM pg_tables WHERE tablename = 'fact_sale'")
    mapping = sales()
    assert counts(shop.run(mapping), "fact_sale") == {"filled": 4, "inserted": 4}
    assert counts(shop.run(mapping), "fact_sale") == {"filled": 2, "unchanged": 2}
    with pytest.raises(CheckFailedError, match="dense would say"):
        shop.run(sales(allow_empty=False))


def test_members_are_real_ones_that_are_not_deleted(shop):
    goods = dimension(
        "SELECT id, name FROM goods", key="good_key",
        special_members={"unknown": {"key": -1}, "none": {"key": 0}},
    )  # fmt: skip
    goods["source"]["deletes"] = {"policy": "flag", "max": 1}
    mapping = sales(goods=goods, lookup={"missing": "unknown"})
    shop.source("INSERT INTO sales VALUES (99, 7, '2026-02-04', 1, 1, 'whose?')")
    assert counts(shop.run(mapping), "fact_sale") == {"read": 3, "filled": 2, "inserted": 5}
    assert shop.warehouse(TABLE)[-1] == ("02", None, 1), "and none of the unknown member in January"
    shop.source("DELETE FROM goods WHERE id = 2; DELETE FROM sales WHERE product = 99")
    shop.source("INSERT INTO goods VALUES (5, 'Cup')")
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {
        "read": 1, "filled": 1, "unchanged": 1, "inserted": 1, "deleted": 2
    }  # fmt: skip
    assert shop.warehouse(TABLE) == [("01", 1, 10), ("01", 2, 0), ("02", 1, 4), ("02", 5, 0)]


def test_a_version_is_that_of_the_end_of_the_period(shop):
    shop.today = date(2026, 3, 10)
    goods = dimension(
        "SELECT id, city, since FROM goods", {"id": None, "city": {"scd": 2}}, key="good_key",
        history={"effective": "since", "first": "effective"}, special_members=UNKNOWN,
    )  # fmt: skip
    query = f"SELECT q.*, period.end - 1 AS evening FROM ({SALES}) AS q"
    columns = {"month": None, "pieces": {"measure": "additive"}, "evening": None}
    mapping = sales(query, goods, {"as_of": "evening"}, columns=columns)
    shop.source("UPDATE goods SET since = '2026-02-15' WHERE id = 2")
    shop.run(mapping)
    told = (
        "SELECT to_char(month, 'MM'), id, city, pieces, evening::text "
        "FROM fact_sale JOIN dim_good USING (good_key) ORDER BY 1, 2"
    )
    assert shop.warehouse(told) == [
        ("01", 1, "Ulm", 10, "2026-01-31"),
        ("02", 1, "Ulm", 4, "2026-02-28"),
        ("02", 2, "Ulm", 0, "2026-02-28"),  # in January nobody knew it
        ("03", 1, "Ulm", 0, "2026-03-31"),
        ("03", 2, "Ulm", 0, "2026-03-31"),
    ]
    # A version that begins within the open period is that of its end; the others keep theirs.
    shop.source("UPDATE goods SET city = 'Bonn', since = '2026-03-08'")
    report = shop.run(mapping)
    assert counts(report, "dim_good")["repointed"] == 2
    assert counts(report, "fact_sale") == {"filled": 2, "unchanged": 2}
    assert [city for _, _, city, _, _ in shop.warehouse(told)] == [
        "Ulm",
        "Ulm",
        "Ulm",
        "Bonn",
        "Bonn",
    ]
    # One that comes late is that of all rows of its time, filled or not.
    shop.source("UPDATE goods SET city = 'Kiel', since = '2026-02-20' WHERE id = 2")
    assert counts(shop.run(mapping), "dim_good")["repointed"] == 1
    assert ("02", 2, "Kiel", 0, "2026-02-28") in shop.warehouse(told)
    before = untouched(shop)
    shop.run(mapping)
    assert untouched(shop) == before


def test_of_a_durable_key_a_member_has_a_row_while_it_is_there(shop):
    goods = dimension(
        "SELECT id, city, since FROM goods", {"id": None, "city": {"scd": 2}}, key="version_key",
        durable_key="good_key", history={"effective": "since", "first": "effective"},
    )  # fmt: skip
    goods["source"]["deletes"] = {"policy": "close", "max": 1}
    query = f"SELECT q.*, period.end - 1 AS evening FROM ({SALES}) AS q"
    columns = {"month": None, "pieces": {"measure": "additive"}}
    of_time = {"key": "durable", "as_of": "evening::timestamp + interval '20 hours'"}
    mapping = sales(query, goods, of_time, columns=columns)
    mapping["facts"]["fact_now"] = sales(query, goods, {"key": "durable"}, columns=columns)[
        "facts"
    ]["fact_sale"]
    shop.source("UPDATE goods SET since = '2026-02-01' WHERE id = 2")
    shop.run(mapping)
    shop.source("UPDATE goods SET city = 'Bonn', since = '2026-02-05' WHERE id = 2")
    report = shop.run(mapping)
    assert counts(report, "dim_good")["closed"] == 1
    assert counts(report, "fact_sale") == {"read": 1, "filled": 1, "unchanged": 2}
    assert counts(report, "fact_now") == counts(report, "fact_sale")
    told = "SELECT to_char(month, 'MM'), id, pieces FROM fact_sale "
    told += "JOIN dim_good_current USING (good_key) ORDER BY 1, 2"
    assert shop.warehouse(told) == [("01", 1, 10), ("02", 1, 4), ("02", 2, 0)]
    now = told.replace("fact_sale", "fact_now")
    assert shop.warehouse(now) == [("01", 1, 10), ("01", 2, 0), ("02", 1, 4), ("02", 2, 0)]

    shop.source("DELETE FROM goods WHERE id = 2")
    report = shop.run(mapping)
    assert counts(report, "fact_now") == {"read": 1, "unchanged": 1, "deleted": 1}
    still = "it is gone since the run, which is after February"
    assert counts(report, "fact_sale") == {"read": 1, "filled": 1, "unchanged": 2}, still


def test_a_member_has_one_row_in_a_period_whichever_version_the_query_found(shop):
    goods = dimension(
        "SELECT id, city, since FROM goods", {"id": None, "city": {"scd": 2}}, key="good_key",
        history={"effective": "since"}, special_members=UNKNOWN,
    )  # fmt: skip
    query = "SELECT product AS id, pieces, day FROM sales WHERE day >= period.start AND day < period.end"
    columns = {"month": None, "pieces": {"measure": "additive"}, "day": None}
    mapping = sales(query, goods, {"as_of": "day"}, columns=columns)
    shop.run(mapping)
    shop.source("UPDATE goods SET city = 'Bonn', since = '2026-02-05'")
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {"read": 1, "filled": 1, "unchanged": 2}
    told = "SELECT id, city, pieces FROM fact_sale JOIN dim_good USING (good_key) "
    told += "WHERE month = '2026-02-01' ORDER BY 1, 2"
    assert shop.warehouse(told) == [(1, "Ulm", 4), (2, "Bonn", 0)], "sold before the change"

    # Of the present versions, whatever the time: those of the period at its beginning.
    mapping = sales(goods=goods, lookup={"as_of": "month"}, dense={**EVERY, "from": "2026-02-01"})
    mapping["name"], mapping["facts"] = "other", {"fact_other": mapping["facts"]["fact_sale"]}
    shop.run(mapping)
    told = told.replace("fact_sale", "fact_other")
    assert shop.warehouse(told) == [(1, "Ulm", 4), (2, "Ulm", 0)]
    mapping["name"], mapping["facts"] = "third", {"fact_third": mapping["facts"]["fact_other"]}
    del mapping["facts"]["fact_third"]["lookups"]["good_key"]["as_of"]
    shop.run(mapping)
    told = told.replace("fact_other", "fact_third")
    assert shop.warehouse(told) == [(1, "Bonn", 4), (2, "Bonn", 0)]


def test_other_lookups_find_what_they_find_for_a_period_without_more(shop):
    shop.source("CREATE TABLE sellers (id int, name text); INSERT INTO sellers VALUES (7, 'Ann')")
    mapping = sales(lookups={
        "seller_key": {"dimension": "dim_seller", "on": "seller"},
        "nobody_key": {"dimension": "dim_seller", "on": "seller", "null": "nobody", "missing": "fail"},
        "month_key": {"dimension": "dim_day", "on": {"date": "month"}, "missing": "fail"},
    })  # fmt: skip
    mapping["dimensions"]["dim_day"] = {
        "calendar": {"from": "2026-01-01", "to": "2026-12-31"}, "key": "day_key"
    }  # fmt: skip
    mapping["dimensions"]["dim_seller"] = dimension(
        "SELECT id, name FROM sellers", special_members={**UNKNOWN, "nobody": {"key": -2}}
    )
    shop.run(mapping)
    told = "SELECT month_key, seller_key, nobody_key FROM fact_sale WHERE pieces = 0 ORDER BY 1"
    assert shop.warehouse(told) == [(20260101, -1, -2), (20260201, -1, -2)]


def test_a_row_that_is_made_for_a_day_that_the_calendar_has_not_is_told(shop):
    month = {"dimension": "dim_day", "on": {"date": "month"}, "missing": "fail"}
    mapping = sales(lookups={"month_key": month})
    mapping["dimensions"]["dim_day"] = {
        "calendar": {"from": "2026-01-01", "to": "2026-01-31"}, "key": "day_key"
    }  # fmt: skip
    shop.source("DELETE FROM sales WHERE day >= '2026-02-01'")
    wanted = (
        "fact_sale: 2 rows that dense makes have a problem: no member of dim_day for month_key, "
        "such as one of month = 2026-02-01"
    )
    with pytest.raises(CheckFailedError, match=f"little.yml:[0-9]+:[0-9]+: {wanted}"):
        shop.run(mapping)


def test_a_row_that_is_made_has_the_time_at_which_its_member_is_looked_up(shop):
    goods = dimension(
        "SELECT id, city, since FROM goods", {"id": None, "city": {"scd": 2}}, key="good_key",
        history={"effective": "since"}, special_members=UNKNOWN,
    )  # fmt: skip
    query = f"SELECT q.*, period.end - 1 AS evening FROM ({SALES}) AS q"
    evening = {"dimension": "dim_day", "on": {"date": "evening"}, "missing": "fail"}
    columns = {"month": None, "pieces": {"measure": "additive"}, "evening": None}
    mapping = sales(
        query, goods, {"as_of": "evening"}, columns=columns, lookups={"day_key": evening}
    )
    mapping["dimensions"]["dim_day"] = {
        "calendar": {"from": "2026-01-01", "to": "2026-12-31"}, "key": "day_key"
    }  # fmt: skip
    shop.run(mapping)
    told = "SELECT id, day_key FROM fact_sale JOIN dim_good USING (good_key) ORDER BY 2, 1"
    assert shop.warehouse(told) == [(1, 20260131), (2, 20260131), (1, 20260228), (2, 20260228)]


def test_no_zero_stands_for_a_row_that_is_held_or_rejected(shop):
    shop.source("CREATE TABLE sellers (id int, name text)")
    mapping = sales(
        lookups={"seller_key": {"dimension": "dim_seller", "on": "seller", "missing": "hold"}},
        checks=[{"range": {"price": {"min": 1}}, "on_failure": "reject"}, {"row_count": "source"}],
    )
    mapping["dimensions"]["dim_seller"] = dimension(
        "SELECT * FROM sellers", special_members=UNKNOWN
    )
    shop.source("INSERT INTO sellers VALUES (7, 'Ann'); INSERT INTO goods VALUES (3, 'Jug')")
    assert counts(shop.run(mapping), "fact_sale") == {"read": 2, "filled": 4, "inserted": 6}

    shop.source(
        "INSERT INTO sales VALUES (2, 8, '2026-02-04', 6, 5, 'early'), (3, 7, '2026-02-05', 1, 0, 'free')"
    )
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {
        "read": 3, "unchanged": 1, "deleted": 2, "held": 1, "rejected": 1
    }  # fmt: skip
    assert shop.warehouse(TABLE)[3:] == [("02", 1, 4)], "more is known than that nothing happened"

    # What waited comes when its member is there, also into a period that is over by then.
    shop.today = date(2026, 3, 20)
    shop.run(mapping)
    shop.source("INSERT INTO sellers VALUES (8, 'Bo')")
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {
        "released": 1, "filled": 3, "inserted": 1, "unchanged": 3
    }  # fmt: skip
    assert shop.warehouse(TABLE)[3:6] == [("02", 1, 4), ("02", 2, 6), ("03", 1, 0)]
    assert counts(shop.run(mapping), "fact_sale") == {"filled": 3, "unchanged": 3}


def test_a_row_that_has_waited_does_not_stand_for_those_that_were_not_sent(shop):
    shop.source("CREATE TABLE sellers (id int, name text); INSERT INTO sellers VALUES (7, 'Ann')")
    mapping = sales(
        lookups={"seller_key": {"dimension": "dim_seller", "on": "seller", "missing": "hold"}},
        allow_empty=False,
    )
    mapping["dimensions"]["dim_seller"] = dimension(
        "SELECT * FROM sellers", special_members=UNKNOWN
    )
    shop.source("INSERT INTO sales VALUES (2, 8, '2026-02-04', 6, 5, 'early')")
    assert counts(shop.run(mapping), "fact_sale")["held"] == 1
    before = untouched(shop)
    shop.source("TRUNCATE sales; INSERT INTO sellers VALUES (8, 'Bo')")
    with pytest.raises(CheckFailedError, match="of every member that nothing happened"):
        shop.run(mapping)
    assert untouched(shop)["fact_sale"] == before["fact_sale"]


def test_of_several_lookups_each_combination_has_a_row(shop):
    shop.source("CREATE TABLE stores (id int); INSERT INTO stores VALUES (1), (2)")
    query = (
        "SELECT product AS id, 1 AS store, pieces, pieces > 5 AS many FROM sales "
        "WHERE day >= period.start AND day < period.end"
    )
    columns = {"month": None, "pieces": {"measure": "additive"}}
    mapping = sales(query, columns=columns, lookups={
        "store_key": {"dimension": "dim_store", "on": "store", "missing": "fail"},
        "flags_key": {"dimension": "dim_flags"},
        "hour_key": {"dimension": "dim_hour", "on": {"time": "time '12:30'"}, "missing": "fail"},
    })  # fmt: skip
    mapping["dimensions"] |= {
        "dim_store": dimension("SELECT id FROM stores", "id", key="store_key"),
        "dim_flags": {"junk": "fact_sale", "key": "flags_key", "columns": {"many": None}},
        "dim_hour": {"clock": {"step": "hour"}, "key": "hour_key"},
    }
    keys = ["good_key", "store_key", "flags_key", "hour_key"]
    mapping["facts"]["fact_sale"]["grain"] = ["month", *keys]
    mapping["facts"]["fact_sale"]["snapshot"] = {**EVERY, "dense": keys}
    mapping["aggregates"] = {
        "agg_hour": {
            "fact": "fact_sale",
            "by": {"hour": {"lookup": "hour_key", "column": "hour"}},
            "columns": {"lines": "count(*)", "pieces": "sum(pieces)"},
        }
    }
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {"read": 2, "filled": 382, "inserted": 384}
    assert shop.warehouse("SELECT count(*), sum(pieces) FROM fact_sale") == [
        (2 * 2 * 2 * 2 * 24, 14)
    ]
    told = "SELECT hour, lines, pieces FROM agg_hour ORDER BY pieces DESC, hour LIMIT 2"
    assert shop.warehouse(told) == [(12, 16, 14), (0, 16, 0)]
    before = untouched(shop)
    shop.run(mapping)
    assert untouched(shop) == before


def test_partitions_are_there_for_what_is_filled_and_what_is_no_longer_kept_is_not(shop):
    shop.today = date(2026, 2, 10)
    dense = {**EVERY, "from": "2020-01-01"}
    mapping = sales(dense=dense, partition={"by": "month", "every": "year", "keep": "100 years"})
    report = shop.run(mapping)
    assert counts(report, "fact_sale") == {"read": 2, "filled": 146, "inserted": 148}
    told = "SELECT tableoid::regclass::text, count(*) FROM fact_sale GROUP BY 1 ORDER BY 1"
    assert shop.warehouse(told) == [
        *((f"fact_sale_p{year}", 24) for year in range(2020, 2026)),
        ("fact_sale_p2026", 4),
    ]
    (year,) = shop.column("SELECT extract(year FROM now())::int")
    keep = f"{year - 2025} year{'s' * (year > 2026)}"  # from the first of 2025 on
    mapping["facts"]["fact_sale"]["partition"]["keep"] = keep
    report = shop.run(mapping, full_refresh=True)
    assert counts(report, "fact_sale") == {
        "read": 2, "filled": 26, "unchanged": 28, "deleted": 120
    }  # fmt: skip
    assert shop.column("SELECT min(month)::text FROM fact_sale") == ["2025-01-01"]


def test_members_that_a_fact_further_down_infers_have_rows_in_the_same_run(shop):
    goods = dimension("SELECT id, name FROM goods", key="good_key", special_members=UNKNOWN)
    mapping = sales(goods=goods)
    order = {"good_key": {"dimension": "dim_good", "on": "product", "missing": "infer"}}
    shop.source("CREATE TABLE bookings (id int, product int); INSERT INTO bookings VALUES (1, 77)")
    mapping["facts"]["fact_order"] = fact("SELECT * FROM bookings", "id", lookups=order)
    report = shop.run(mapping)
    assert counts(report, "dim_good")["inferred"] == 1
    assert shop.warehouse(TABLE)[-1] == ("02", 77, 0)
    before = untouched(shop)
    assert "fact_order" not in notices(report)
    shop.run(mapping)
    assert untouched(shop) == before


def test_what_is_so_now_is_filled_for_the_present_period_alone(shop):
    now = "SELECT product AS id, sum(pieces) AS pieces FROM sales GROUP BY product"
    columns = {"month": None, "pieces": {"measure": "semi-additive"}}
    mapping = sales(now, columns=columns)
    shop.run(mapping)
    shop.today = date(2026, 3, 1)
    shop.run(mapping)
    assert shop.warehouse(TABLE) == [("02", 1, 14), ("02", 2, 0), ("03", 1, 14), ("03", 2, 0)]


def test_a_fact_becomes_dense_from_its_open_period_on(shop):
    every = {word: EVERY[word] for word in ("every", "column", "from")}
    shop.run(sales(dense=every))
    report = shop.run(sales())
    assert counts(report, "fact_sale") == {"read": 1, "filled": 1, "unchanged": 1, "inserted": 1}
    assert "periods that are over stay as they are" in notices(report)
    assert shop.warehouse(TABLE) == [("01", 1, 10), ("02", 1, 4), ("02", 2, 0)]
    report = shop.run(sales(), full_refresh=True)
    assert counts(report, "fact_sale") == {"read": 2, "filled": 2, "unchanged": 3, "inserted": 1}


@pytest.mark.parametrize(
    ("every", "periods"),
    [("day", 41), ("week", 7), ("year", 1)],  # from the 1st of January to the 10th of February
)
def test_periods_names_and_types_of_any_kind(shop, every, periods):
    shop.source(
        'CREATE TABLE things ("i d" int, "na%me" text); INSERT INTO things VALUES (1), (2);'
        'CREATE TABLE moves ("i d" int, day date, took interval, paid money, far real, j json, a text[]);'
        "INSERT INTO moves VALUES (1, '2026-01-02', '1 h', 3, 1.5, '{}', '{a}'), "
        "(3, '2026-02-10', '1 h', 3, 1.5, '{}', '{a}')"
    )
    additive = {"measure": "additive"}
    key = "k 'e' %y"
    mapping = star(
        dim_thing=dimension(
            "SELECT * FROM things",
            {"i d": None, "na%me": None},
            key="the key",
            special_members=UNKNOWN,
        ),
        fact_move=fact(
            "SELECT * FROM moves WHERE day >= period.start AND day < period.end",
            {
                "the p": None,
                "took": additive,
                "paid": additive,
                "far": additive,
                "j": None,
                "a": None,
            },
            grain=["the p", key],
            load="snapshot",
            snapshot={**EVERY, "every": every, "column": "the p", "dense": key},
            lookups={key: {"dimension": "dim_thing", "on": '"i d"', "missing": "infer"}},
        ),
    )
    report = shop.run(mapping)
    rows = 3 * periods
    assert counts(report, "fact_move") == {"read": 2, "filled": rows - 2, "inserted": rows}
    made = "SELECT DISTINCT took::text, paid::text, far, j::text, a FROM fact_move WHERE far = 0"
    assert shop.warehouse(made) == [("00:00:00", "$0.00", 0, None, None)]
    before = untouched(shop)
    report = shop.run(mapping, full_refresh=True)
    assert counts(report, "fact_move") == {"read": 2, "filled": rows - 2, "unchanged": rows}
    assert untouched(shop) == before
