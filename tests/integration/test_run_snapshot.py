"""Periodic snapshots: rows for each period, those that are over left as they are."""

from __future__ import annotations

from datetime import date

import pytest

from engine.database.source import Origin
from engine.errors import CheckFailedError, MappingError
from engine.plan.span import Span
from engine.run import Options, run
from tests.integration.stars import counts, dimension, fact, notices, star, untouched

STOCK = """
SELECT p.id, coalesce(sum(m.pieces), 0) AS pieces, period.end - 1 AS evening
FROM goods AS p LEFT JOIN moves AS m ON m.product = p.id AND m.day < period.end
WHERE p.since < period.end GROUP BY p.id -- dense: a row for each product and period
"""
WORDS = {"grain": ["month", "id"], "load": "snapshot"}
EVERY = {"every": "month", "column": "month", "from": "2026-01-01"}
TABLE = "SELECT month::text, id, pieces FROM fact_stock ORDER BY month, id"


@pytest.fixture
def shop(stars, monkeypatch):
    stars.today = date(2026, 2, 10)
    monkeypatch.setattr(Origin, "today", property(lambda _: stars.today))
    stars.source(
        "CREATE TABLE goods (id int, since date); CREATE TABLE moves (product int, day date, pieces int);"
        "INSERT INTO goods VALUES (1, '2026-01-01'), (2, '2026-02-01');"
        "INSERT INTO moves VALUES (1, '2026-01-05', 10), (1, '2026-02-03', -4)"
    )
    return stars


def stock(query=STOCK, columns="month id pieces evening", **more):
    return star(fact_stock=fact(query, columns, **{**WORDS, "snapshot": EVERY, **more}))


def backfill(stars, mapping, low, high):
    loaded = stars.load(mapping)
    return run(loaded, stars.settings(loaded, {}), Options(span=Span(low, high)))


def test_each_period_is_read_until_it_is_over(shop):
    columns = {
        "month": None,
        "id": None,
        "pieces": {"measure": "semi-additive"},
        "evening": None,
    }
    mapping = stock(columns=columns, checks=[{"row_count": "source"}])
    assert counts(shop.run(mapping), "fact_stock") == {"read": 3, "inserted": 3}
    assert shop.warehouse(TABLE) == [
        ("2026-01-01", 1, 10), ("2026-02-01", 1, 6), ("2026-02-01", 2, 0)
    ]  # fmt: skip
    told = "SELECT how_to_aggregate FROM little_measures"
    assert "not over month:" in shop.column(told)[0]
    before = untouched(shop)
    assert counts(shop.run(mapping), "fact_stock") == {"read": 2, "unchanged": 2}
    assert untouched(shop) == before

    # What happens to a period that is over is not seen; the open one follows the source, deletes too.
    shop.source("UPDATE moves SET pieces = 100 WHERE day = '2026-01-05'")
    shop.source("DELETE FROM goods WHERE id = 2")
    report = shop.run(mapping)
    assert counts(report, "fact_stock") == {"read": 1, "updated": 1, "deleted": 1}
    assert shop.warehouse(TABLE) == [("2026-01-01", 1, 10), ("2026-02-01", 1, 96)]

    # The newest one was open when it was read, and is read again with those that have come since.
    shop.source("INSERT INTO moves VALUES (1, '2026-02-28', 1), (1, '2026-04-01', 1)")
    shop.today = date(2026, 4, 20)
    report = shop.run(mapping)
    assert counts(report, "fact_stock") == {"read": 3, "updated": 1, "inserted": 2}
    assert [pieces for _, _, pieces in shop.warehouse(TABLE)] == [10, 97, 97, 98]

    report = shop.run(mapping, full_refresh=True)
    assert counts(report, "fact_stock") == {"read": 4, "updated": 1, "unchanged": 3}
    assert [pieces for _, _, pieces in shop.warehouse(TABLE)] == [100, 97, 97, 98]
    assert "every period" in notices(report)
    # A period that is over is repeated when it is asked for, whole, and no other.
    shop.source("UPDATE moves SET pieces = pieces + 1000")
    report = backfill(shop, mapping, date(2026, 2, 10), date(2026, 3, 1))
    assert counts(report, "fact_stock") == {"read": 1, "updated": 1}
    assert [pieces for _, _, pieces in shop.warehouse(TABLE)] == [100, 3097, 97, 98]
    again = (
        "fact_stock: the periods in which the days from 2026-02-10 to 2026-03-01 lie are read again"
    )
    assert notices(report) == again
    assert "periods that are over stay" in notices(shop.run(stock(f"SELECT * FROM ({STOCK}) AS q")))


def test_a_query_that_asks_for_no_period_tells_how_things_are_now(shop):
    now = "SELECT product AS id, sum(pieces) AS pieces FROM moves GROUP BY product"
    every = {"every": "week", "column": "month"}
    calendar = {"calendar": {"from": "2026-01-01", "to": "2026-12-31", "week_starts": "sunday"}}
    mapping = stock(now, "month id pieces", snapshot=every)
    mapping["dimensions"]["dim_day"] = {**calendar, "key": "day_key", "columns": {"date": None}}
    day_key = {"dimension": "dim_day", "on": {"date": "month"}, "missing": "fail"}
    mapping["facts"]["fact_stock"]["lookups"] = {"day_key": day_key}
    shop.run(mapping)
    shop.today = date(2026, 2, 15)
    shop.source("UPDATE moves SET pieces = 7")
    assert counts(shop.run(mapping), "fact_stock") == {"read": 1, "inserted": 1}
    expected = [("2026-02-08", 1, 6), ("2026-02-15", 1, 14)]
    assert shop.warehouse(TABLE) == expected
    assert counts(shop.run(mapping, full_refresh=True), "fact_stock")["read"] == 1
    assert shop.warehouse(TABLE) == expected

    with pytest.raises(MappingError, match="where its query tells how things are now"):
        backfill(shop, mapping, date(2026, 2, 1), date(2026, 3, 1))
    shop.source("TRUNCATE moves")
    with pytest.raises(CheckFailedError, match="would empty its periods"):
        shop.run(mapping)
    mapping["facts"]["fact_stock"]["source"]["allow_empty"] = True
    assert counts(shop.run(mapping), "fact_stock") == {"deleted": 1}
    assert shop.warehouse(TABLE) == expected[:1]


def test_periods_of_another_length_do_not_stand_beside_those_that_are_there(shop):
    shop.run(stock())
    weekly = stock(snapshot={**EVERY, "every": "week", "from": "2026-01-26"})
    wanted = (
        "fact_stock.snapshot.every: each period is a week from monday, but the rows of fact_stock are "
        "each of a month"
    )
    with pytest.raises(MappingError, match=rf"little.yml:\d+:\d+: facts.{wanted} \(drop the table"):
        shop.run(weekly)
    assert len(shop.warehouse(TABLE)) == 3
    with pytest.raises(MappingError, match="each of a month"):
        shop.run(weekly, full_refresh=True)  # which reads nothing from before 26 January
    more = {"month": None, "id": None, "pieces": None, "twice": "pieces * 2"}
    with pytest.raises(MappingError, match="each of a month"):
        shop.run(stock(columns=more, snapshot=weekly["facts"]["fact_stock"]["snapshot"]))
    for _ in range(2):
        shop.run(star(dim_other=dimension("SELECT 1 AS id", "id")))
    with pytest.raises(MappingError, match="each of a month"):
        shop.run(weekly)  # after runs of the mapping without the fact
    assert "meanwhile: periods that are over stay as they are" in notices(shop.run(stock()))
    shop.warehouse("DROP TABLE fact_stock, dim_other")
    assert not notices(shop.run(weekly))  # as if periods stayed that are over
    assert shop.column("SELECT DISTINCT month::text FROM fact_stock ORDER BY 1") == [
        "2026-01-26", "2026-02-02", "2026-02-09"
    ]  # fmt: skip
    assert not notices(shop.run(weekly))
    weekly["dimensions"]["dim_day"] = {
        "calendar": {"from": "2026-01-01", "to": "2026-12-31", "week_starts": "sunday"}, "key": "day_key"
    }  # fmt: skip
    week = {"dimension": "dim_day", "on": {"date": "month"}, "missing": "fail"}
    weekly["facts"]["fact_stock"]["lookups"] = {"week_key": week}
    with pytest.raises(
        MappingError, match=r"a week from sunday, but .* each of a week from monday"
    ):
        shop.run(weekly)


def test_a_plan_and_its_notes_say_which_periods_are_due(shop):
    days = ("--from", "2020-01-10", "--to", "2020-02-02")
    said = shop.engine("plan", shop.write(stock()), *days).stdout
    assert "fact_stock: copy from 2020-01-01 to 2020-03-01, each month\n" in said

    later = stock(snapshot={**EVERY, "from": "2026-08-15"})
    report = shop.run(later)
    assert notices(report) == "fact_stock: no period is due before 2026-08-01"
    assert counts(report, "fact_stock") == {}
    report = backfill(shop, stock(), date(2026, 3, 10), date(2026, 4, 1))
    none = "fact_stock: no period in which the days from 2026-03-10 to 2026-04-01 lie is due yet"
    assert notices(report) == none
    path = shop.write(stock(snapshot={**EVERY, "from": "9000-01-01"}))
    assert "fact_stock: copy of no period\n" in shop.engine("plan", path).stdout
    shop.today = date(2026, 8, 1)
    report = shop.run(later)
    assert (counts(report, "fact_stock"), notices(report)) == ({"read": 2, "inserted": 2}, "")


def test_where_from_has_no_effect_it_is_said(shop):
    now = "SELECT product AS id, sum(pieces) AS pieces FROM moves GROUP BY product"
    report = shop.run(stock(now, "month id pieces"))
    assert notices(report) == (
        "fact_stock: snapshot.from has no effect, as its query uses no period: it tells how things are now"
    )
    every = {"every": "month", "column": "month"}
    assert notices(shop.run(stock(now, "month id pieces", snapshot=every))) == ""


def test_what_is_wrong_with_the_query_is_said_at_its_place(shop):
    with pytest.raises(MappingError, match=r"little.yml:17:34:.*periode"):
        shop.run(stock("SELECT id, 1 AS pieces\nFROM goods WHERE since < periode.end"))
    with pytest.raises(MappingError, match=r"'month' is filled by the engine, .*take it out of"):
        shop.run(stock("SELECT id, 1 AS pieces, period.start AS month FROM goods"))


@pytest.mark.parametrize("alone", ["max(period.end)", "count(Period.start)"])
def test_an_aggregate_of_the_period_alone_is_told_with_what_to_do(shop, alone):
    query = "SELECT id, 1 AS pieces,\n{} AS evening FROM goods GROUP BY id"
    with pytest.raises(MappingError) as caught:
        shop.plan(stock(query.format(alone)))
    (problem,) = caught.value.problems
    assert problem.where.path == "facts.fact_stock.source.query"
    assert problem.what == (
        "an aggregate of the period alone, which is the same in every row of the query"
    )
    for instead in ("period.end", "max(least(since, period.end))"):  # as the hint says
        shop.plan(stock(query.format(instead)))


def test_another_aggregate_where_none_may_be_is_told_in_the_words_of_the_server(shop):
    query = "SELECT id, 1 AS pieces, period.end AS evening FROM goods WHERE count(id) > 1"
    with pytest.raises(MappingError, match="aggregate functions are not allowed in WHERE"):
        shop.plan(stock(query))


def test_periods_that_are_over_are_told_where_they_hold_keys_of_nobody(shop):
    lookups = {"key": {"dimension": "dim_goods", "on": "id", "missing": "fail"}}
    mapping = stock(columns="month pieces id", lookups=lookups)
    mapping["dimensions"]["dim_goods"] = dimension("SELECT id, since FROM goods", "id since")
    other = star("other", dim_goods=mapping["dimensions"]["dim_goods"])
    shop.run(mapping)
    shop.run(other)
    lost = "SELECT count(*) FROM fact_stock AS f LEFT JOIN dim_goods AS d USING (key) WHERE d.key IS NULL"
    stays = "periods that are over stay as they are, --full-refresh reads them again"
    for first, why in (
        (mapping, "dim_goods is empty, its members will get new keys"),
        (
            other,
            "another mapping has made a dimension of this star anew, whose members have new keys",
        ),
    ):
        shop.warehouse("TRUNCATE dim_goods")
        report = shop.run(first)
        report = report if first is mapping else shop.run(mapping)
        assert f"fact_stock: {why}: {stays}" in notices(report)
        assert shop.column(lost) == [1]
        shop.run(mapping, full_refresh=True)
        assert shop.column(lost) == [0]
        assert notices(shop.run(mapping)) == ""
