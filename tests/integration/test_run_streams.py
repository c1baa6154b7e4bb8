"""A query that is read in several streams has each row once, of one moment, wherever its ranges end."""

from __future__ import annotations

import pytest

from engine.errors import MappingError, RunError
from engine.plan.steps import Copy
from tests.integration.stars import (
    Hook,
    Stars,
    counts,
    dimension,
    fact,
    star,
    untouched,
)

SALES = """
CREATE TABLE sales
  (id int, amount numeric, day date, at timestamptz, local timestamp, big bigint, small smallint);
INSERT INTO sales SELECT n, n * 1.5, date '2024-01-01' + n % 700,
  timestamptz '2024-01-01' + n * interval '1 h', timestamp '2024-01-01' + n * interval '1 h',
  n * 9000000000000000, n % 30000
FROM generate_series(1, 1000) AS n;
INSERT INTO sales VALUES
  (1001, 1, 'infinity', 'infinity', '-infinity', 9223372036854775807, 32767),
  (1002, 2, '-infinity', '-infinity', 'infinity', -9223372036854775808, -32768),
  (1003, 3, NULL, NULL, NULL, NULL, NULL),
  (1004, 4, '4713-01-01 BC', '4713-01-01 BC', '294276-12-31 AD', 0, 0)
"""
QUERY = "SELECT * FROM sales"
COLUMNS = "id amount day at local big small"
EVERYTHING = (
    "SELECT id, amount, day::text, at::text, local::text, big, small FROM sales ORDER BY id"
)


@pytest.fixture
def shop(stars) -> Stars:
    stars.source(SALES)
    return stars


def streams(report) -> int:
    return sum(step.title == "copy" for step in report.steps)


@pytest.mark.parametrize("by", ["id", "day", "at", "local", "big", "small"])
def test_each_row_comes_once_whatever_the_ranges_are_of(shop, by):
    report = shop.run(star(sales=fact(QUERY, COLUMNS, parallel={"streams": 5, "by": by})))
    assert streams(report) == 5
    assert counts(report, "sales") == {"read": 1004, "inserted": 1004}
    assert shop.warehouse(EVERYTHING) == shop.source(EVERYTHING)
    spread = [step.rows for step in report.steps if step.title == "copy"]
    assert len([rows for rows in spread if rows]) > 1, spread


def test_the_streams_of_several_entries_go_side_by_side(shop):
    mapping = star(
        dim_days=dimension(
            "SELECT DISTINCT day FROM sales WHERE day IS NOT NULL", "day", parallel=3
        ),
        dim_sales=dimension(QUERY, "id amount", parallel=4),
        sales=fact(QUERY, COLUMNS, parallel=4, load="upsert", checks=[{"row_count": "source"}]),
    )
    report = shop.run(mapping)
    assert streams(report) == 11
    assert counts(report, "dim_sales")["inserted"] == counts(report, "sales")["inserted"] == 1004
    before = untouched(shop)
    assert counts(shop.run(mapping), "sales") == {"read": 1004, "unchanged": 1004}
    assert untouched(shop) == before


def test_what_is_new_comes_in_one_stream(shop):
    shop.source("DELETE FROM sales WHERE id > 1000")
    mapping = star(
        sales=fact(
            QUERY, COLUMNS, cursor={"column": "at", "null": "never"}, parallel=3, load="upsert"
        )
    )
    assert streams(shop.run(mapping)) == 3
    shop.source("INSERT INTO sales VALUES (1001, 1, '2026-01-01', '2026-01-01')")
    report = shop.run(mapping)
    assert (streams(report), counts(report, "sales")) == (
        1,
        {"read": 2, "inserted": 1, "unchanged": 1},
    )
    assert streams(shop.run(mapping, full_refresh=True)) == 3


def test_the_key_is_cut_unless_a_column_is_named(shop):
    (plan,) = shop.plan(star(sales=fact(QUERY, COLUMNS, parallel=2))).stages
    assert [copy.part.column for copy in (plan.fill, *plan.beside)] == ["id", "id"]
    text = fact("SELECT id::text AS id, at FROM sales", "id at", parallel=2, cursor="at")
    (plan,) = shop.plan(star(sales=text)).stages
    assert plan.fill.part.column == "at", "a text cannot be cut, and the cursor can"


@pytest.mark.parametrize("rows", ["id < 0", "id = 1", "id = 1003"])
def test_what_has_no_width_is_read_in_one_stream(shop, rows):
    query = f"{QUERY} WHERE {rows}"
    mapping = star(sales=fact(query, COLUMNS, parallel={"streams": 4, "by": "day"}, load="upsert"))
    report = shop.run(mapping)
    assert streams(report) == 1
    assert shop.warehouse("SELECT id FROM sales") == shop.source(
        f"SELECT id FROM sales WHERE {rows}"
    )


@pytest.mark.parametrize(
    ("parallel", "query", "said"),
    [
        (
            {"streams": 2, "by": "amount"},
            QUERY,
            "'amount' is a numeric, which cannot be cut into ranges",
        ),
        ({"streams": 2, "by": "days"}, QUERY, "the query has no column 'days'"),
        (
            2,
            "SELECT amount AS id FROM sales",
            "no column of the key, and no cursor, is a whole number",
        ),
    ],
)
def test_what_cannot_be_cut_is_said(shop, parallel, query, said):
    mapping = star(sales=fact(query, "id", parallel=parallel))
    with pytest.raises(MappingError) as error:
        shop.run(mapping)
    assert f"facts.sales.source.parallel: {said}" in str(error.value)
    assert ("name one with by; possible: " in str(error.value)) == (query == QUERY)


def test_all_streams_see_one_moment(shop):
    shop.source("DELETE FROM sales WHERE id > 1000")

    def change() -> None:
        shop.source("UPDATE sales SET id = id + 5000, amount = 0 WHERE id < 900")

    hook = Hook(Copy, "sales", change)
    report = shop.run(star(sales=fact(QUERY, COLUMNS, parallel=4)), listener=hook)
    assert hook.done
    assert counts(report, "sales")["inserted"] == 1000
    assert shop.column("SELECT max(id) FROM sales") == [1000]


def test_nothing_is_published_when_one_stream_fails(shop):
    # Ids below 100 are all in the first of four ranges, and the fourth cannot be computed.
    query = "SELECT id, amount, 1 / (1001 - id) AS odd FROM sales WHERE id <= 1001"
    mapping = star(sales=fact(query, "id amount odd", parallel=4))
    with pytest.raises(RunError, match=r"sales\.source\.query: copy failed: division by zero"):
        shop.run(mapping)
    assert shop.column("SELECT to_regclass('public.sales')::text") == [None]
    shop.source("DELETE FROM sales WHERE id = 1001")
    assert counts(shop.run(mapping), "sales") == {"read": 1000, "inserted": 1000}
    staged = "SELECT count(*) FROM pg_class WHERE relnamespace = 'engine_stage'::regnamespace"
    assert shop.column(staged) == [0]
