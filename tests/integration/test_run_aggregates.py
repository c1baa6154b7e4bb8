"""Aggregates: equal to a query over their fact at every commit, whatever happens to the fact."""

from __future__ import annotations

import random

import pytest
from psycopg2.errors import UniqueViolation

from engine.errors import CheckFailedError, MappingError
from tests.integration.stars import UNKNOWN, counts, dimension, fact, notices, star, untouched

DAYS = {
    "calendar": {"from": "2026-01-01", "to": "2026-12-31"},
    "key": "day_key",
    "columns": {"date": None, "month_start": None},
    "special_members": UNKNOWN,
}
PRODUCTS = dimension("SELECT id, kind FROM goods", "id kind", special_members=UNKNOWN)
SALES = fact(
    "SELECT id, product, day, amount, shop FROM sales",
    "id amount shop",
    load="replace",
    lookups={
        "product_key": {"dimension": "dim_product", "on": "product"},
        "day_key": {"dimension": "dim_day", "on": {"date": "day"}},
    },
)
BY = {
    "month": {"lookup": "day_key", "column": "month_start"},
    "kind": {"lookup": "product_key"},
    "place": "shop",
}
COLUMNS = {
    "sales": "count(*)",
    "amount": {"expr": "sum(amount)", "type": "numeric(12,2)", "measure": "additive"},
    "dearest": "max(amount) FILTER (WHERE amount > 5)",
}
QUERY = """
SELECT d.month_start, p.kind, f.shop, count(*), sum(f.amount)::numeric(12,2),
  max(f.amount) FILTER (WHERE f.amount > 5)
FROM fact_sale AS f JOIN dim_day AS d USING (day_key) JOIN dim_product AS p ON p.key = f.product_key
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
TABLE = "SELECT month, kind, place, sales, amount, dearest FROM agg_sale ORDER BY 1, 2, 3"


def shop(**more):
    mapping = star(dim_day=DAYS, dim_product=PRODUCTS, fact_sale=SALES)
    aggregate = {"fact": "fact_sale", "by": BY, "columns": COLUMNS, **more}
    return {**mapping, "aggregates": {"agg_sale": aggregate}}


@pytest.fixture
def sales(stars):
    stars.source(
        "CREATE TABLE goods (id int, kind text);"
        "CREATE TABLE sales (id int, product int, day date, amount numeric(10,2), shop text);"
        "INSERT INTO goods VALUES (1, 'tea'), (2, 'mug');"
        "INSERT INTO sales VALUES (1, 1, '2026-01-05', 5, 'X'), (2, 1, '2026-01-09', 6, 'X'),"
        "(3, 2, '2026-02-01', 7, NULL), (4, 9, NULL, NULL, NULL), (5, 9, '2027-01-01', 1, NULL)"
    )
    return stars


def test_groups_follow_their_fact(sales):
    assert counts(sales.run(shop()), "agg_sale") == {"read": 3, "inserted": 3}
    assert sales.warehouse(TABLE) == sales.warehouse(QUERY)
    assert len(sales.warehouse(TABLE)) == 3
    assert (None, None, None, 2, 1, None) in sales.warehouse(TABLE)
    before = untouched(sales)
    assert counts(sales.run(shop()), "agg_sale") == {"read": 3, "unchanged": 3}
    assert untouched(sales) == before
    assert not sales.plan(shop()).schema

    # A row changes its group, a group ends, one begins; another member changes its kind.
    sales.source("UPDATE sales SET shop = 'Y' WHERE id = 2; DELETE FROM sales WHERE id = 3")
    report = sales.run(shop(), "fact_sale")
    assert counts(report, "agg_sale") == {
        "read": 3, "inserted": 1, "updated": 1, "unchanged": 1, "deleted": 1
    }  # fmt: skip
    assert "agg_sale: is loaded too, as it is made of fact_sale" in notices(report)
    sales.source("UPDATE goods SET kind = 'coffee'")
    report = sales.run(shop(), "dim_product")
    assert "fact_sale: is loaded too, as agg_sale is made of it" in notices(report)
    assert counts(report, "agg_sale") == {"read": 3, "inserted": 2, "unchanged": 1, "deleted": 2}
    assert sales.warehouse(TABLE) == sales.warehouse(QUERY)
    for wrong in ("INSERT INTO agg_sale (place) VALUES ('Q')", "UPDATE agg_sale SET sales = 9"):
        sales.warehouse(wrong)
    sales.run(shop(), "agg_sale")
    assert sales.warehouse(TABLE) == sales.warehouse(QUERY)
    with pytest.raises(UniqueViolation):
        sales.warehouse("INSERT INTO agg_sale SELECT * FROM agg_sale WHERE month IS NULL")


@pytest.mark.parametrize(
    ("by", "columns"),
    [({"kind_key": "product_key"}, {"n": "count(*)"}), ({"id": None}, {"n": "max(product_key)"})],
)
def test_groups_follow_rows_that_are_pointed_to_another_version(sales, by, columns):
    """Nothing of the fact is selected, and none of its columns is one of the dimension."""
    sales.source("ALTER TABLE goods ADD at timestamp DEFAULT '2026-01-01'")
    history = {"history": {"effective": "at"}, "columns": {"id": None, "kind": {"scd": 2}}}
    mapping = shop(by=by, columns=columns)
    mapping["dimensions"]["dim_product"] = PRODUCTS | history
    mapping["dimensions"]["dim_product"]["source"] = "SELECT id, kind, at FROM goods"
    lookup = {"dimension": "dim_product", "on": "product", "as_of": "day"}
    mapping["facts"]["fact_sale"] = SALES | {
        "columns": dict.fromkeys(["id", "amount", "day"]),
        "lookups": {"product_key": lookup},
    }
    sales.run(mapping)
    sales.source("INSERT INTO goods VALUES (1, 'coffee', '2026-01-07')")
    report = sales.run(mapping, "dim_product")
    assert counts(report, "dim_product")["repointed"] == 1
    (group,), ((name, computed),) = [by[n] or n for n in by], columns.items()
    assert sales.warehouse(f"SELECT {', '.join(by)}, n FROM agg_sale ORDER BY 1") == (
        sales.warehouse(
            f"SELECT {group}, {computed} AS {name} FROM fact_sale GROUP BY 1 ORDER BY 1"
        )
    )


def test_other_groups_and_checks(sales):
    sales.run(shop())
    fewer = shop(
        by={"place": "shop"}, description="By shop", checks={"range": {"sales": {"min": 2}}}
    )
    report = sales.run(fewer)
    assert counts(report, "agg_sale") == {"read": 2, "inserted": 2, "deleted": 3}
    assert sales.column("SELECT sales FROM agg_sale ORDER BY place") == [2, 3]
    before = untouched(sales)
    assert counts(sales.run(fewer), "agg_sale") == {"read": 2, "unchanged": 2}
    assert untouched(sales) == before
    assert sales.column("SELECT obj_description('agg_sale'::regclass)") == ["By shop"]
    assert sales.column("SELECT column_name FROM little_measures") == ["amount"]
    sales.source("DELETE FROM sales WHERE id = 1")
    with pytest.raises(CheckFailedError, match="range sales"):
        sales.run(fewer)
    assert sales.column("SELECT count(*) FROM fact_sale") == [5]


def test_what_is_wrong_is_said_at_its_place(sales):
    wrong = {"sales": "count(*)", "amount": "amount"}
    with pytest.raises(MappingError, match=r"agg_sale.columns.amount: .*GROUP BY"):
        sales.run(shop(columns=wrong))
    with pytest.raises(MappingError, match=r"agg_sale.columns.sum: column .amont. does not exist"):
        sales.run(shop(columns={"sum": "sum(amont)"}))
    with pytest.raises(MappingError, match="measure, but 'last' is text"):
        sales.run(shop(columns={"last": {"expr": "max(shop)", "measure": "additive"}}))
    sales.source("ALTER TABLE sales ALTER COLUMN shop TYPE json USING NULL")
    with pytest.raises(MappingError, match=r"agg_sale.by.place: 'place' is json, whose values"):
        sales.run(shop())
    sales.source("ALTER TABLE sales ALTER COLUMN shop TYPE text")
    ddl = sales.engine("ddl", sales.write(shop()))
    assert 'create table if not exists "public"."agg_sale"' in ddl.stdout
    assert '(array["month"])' in ddl.stdout


@pytest.mark.parametrize("seed", range(3))
def test_any_history_of_a_fact_gives_the_groups_of_the_query(sales, seed):
    chance = random.Random(seed)
    for _ in range(5):
        for _ in range(6):
            row = chance.randrange(1, 12)
            product, day = chance.choice([1, 2, 9]), chance.randrange(1, 29)
            month, amount = chance.randrange(1, 4), chance.choice(["NULL", "'NaN'", "5", "-7.25"])
            place = chance.choice(["NULL", "'X'", "''"])
            sales.source(f"DELETE FROM sales WHERE id = {row}")
            if chance.random() < 0.7:
                sales.source(
                    f"INSERT INTO sales VALUES ({row}, {product}, '2026-{month}-{day}', {amount}, {place})"
                )
        kind = chance.choice(["NULL", "'tea'", "'mug'"])
        sales.source(f"UPDATE goods SET kind = {kind} WHERE id = 1")
        sales.run(shop())
        assert sales.warehouse(f"SELECT q::text FROM ({TABLE}) AS q") == sales.warehouse(
            f"SELECT q::text FROM ({QUERY}) AS q"
        )


def test_rows_that_are_flagged_as_deleted_are_in_no_group(sales):
    mapping = shop()
    entry = mapping["facts"]["fact_sale"] | {"load": "upsert"}
    entry["source"] = entry["source"] | {"deletes": {"policy": "flag", "max": "100%"}}
    mapping["facts"]["fact_sale"] = entry
    left = QUERY.replace("GROUP BY", "WHERE NOT f.is_deleted GROUP BY")
    sales.run(mapping)
    sales.source("DELETE FROM sales WHERE id IN (2, 3)")  # one of two of a group, the only one
    assert counts(sales.run(mapping), "agg_sale") == {
        "read": 2, "updated": 1, "unchanged": 1, "deleted": 1
    }  # fmt: skip
    assert sales.warehouse(TABLE) == sales.warehouse(left)
    assert sales.column("SELECT count(*) FROM fact_sale") == [5]
    sales.source("INSERT INTO sales VALUES (3, 2, '2026-02-01', 7, NULL)")
    assert counts(sales.run(mapping), "agg_sale")["inserted"] == 1
    assert sales.warehouse(TABLE) == sales.warehouse(left)
