"""Roles of dimensions: a view for each, as its dimension is, and only when something differs."""

from __future__ import annotations

import pytest

from engine.errors import MappingError
from tests.integration.stars import UNKNOWN, Entry, Stars, dimension, fact, notices, star, untouched

QUERY = "SELECT id, buyer, seller FROM sales"


@pytest.fixture
def sales(stars) -> Stars:
    stars.source(
        "CREATE TABLE people (id int PRIMARY KEY, name varchar(10), city text);"
        "INSERT INTO people VALUES (1, 'Ada', 'Rome'), (2, 'Bob', 'Bonn');"
        "CREATE TABLE sales (id int PRIMARY KEY, buyer int, seller int);"
        "INSERT INTO sales VALUES (1, 1, 2), (2, 2, 9)"
    )
    return stars


def mapping(columns: str = "id name", seller: str | None = "dim_sellers", **more: object) -> Entry:
    lookups = {
        "buyer_key": {"dimension": "dim_people", "on": "buyer", "role": "dim_buyers"},
        "seller_key": {"dimension": "dim_people", "on": "seller", "description": "Who sold it"},
    }
    if seller:
        lookups["seller_key"]["role"] = seller
    return star(
        dim_people=dimension("SELECT * FROM people", columns, special_members=UNKNOWN, **more),
        sales=fact(QUERY, "id", lookups=lookups),
    )


def described(stars: Stars) -> list[tuple[object, ...]]:
    return stars.warehouse(
        "SELECT relname::text, obj_description(oid, 'pg_class') FROM pg_class "
        "WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )


def written(stars: Stars) -> list[tuple[object, ...]]:
    """Return the rows of the catalog that say what a view is, with their writers."""
    return stars.warehouse(
        "SELECT c.oid, c.xmin::text, r.xmin::text FROM pg_class AS c JOIN pg_rewrite AS r "
        "ON r.ev_class = c.oid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )


def test_a_role_is_a_view_that_a_fact_joins_by_its_own_column(sales):
    ddl = sales.engine("ddl", sales.write(mapping()))
    assert 'create or replace view "public"."dim_sellers"' in ddl.stdout
    sales.run(mapping())
    assert sales.warehouse(
        "SELECT s.id, b.name, v.name, v.seller_key = s.seller_key FROM sales AS s "
        "JOIN dim_buyers AS b USING (buyer_key) JOIN dim_sellers AS v USING (seller_key) ORDER BY 1"
    ) == [(1, "Ada", "Bob", True), (2, "Bob", None, True)]
    assert described(sales) == [
        ("dim_buyers", "A role of dim_people in the star little"),
        ("dim_sellers", "A role of dim_people in the star little: Who sold it"),
    ]
    before, views = untouched(sales), written(sales)
    assert not any("role" in step.title for step in sales.plan(mapping()).load)
    sales.run(mapping())
    assert (untouched(sales), written(sales)) == (before, views)


def test_a_view_follows_its_dimension(sales):
    sales.run(mapping())
    sales.run(mapping("id name city"))
    assert sales.column("SELECT city FROM dim_buyers ORDER BY buyer_key") == [None, "Rome", "Bonn"]
    # No column that a view reads can change its type: the view makes room, and comes back.
    sales.source("ALTER TABLE people ALTER name TYPE varchar(40)")
    sales.run(mapping("id city name"))
    (type_,) = sales.column("SELECT DISTINCT pg_typeof(name)::text FROM dim_buyers")
    assert type_ == "character varying"
    sales.source("UPDATE people SET name = repeat('long ', 6) WHERE id = 1")
    sales.run(mapping("id city name", load="upsert"))
    assert sales.column("SELECT max(length(name)) FROM dim_sellers") == [30]
    # Somebody has put another view there: it is made anew.
    sales.warehouse("DROP VIEW dim_buyers; CREATE VIEW public.dim_buyers AS SELECT * FROM sales")
    sales.run(mapping("id city name"))
    assert sales.column("SELECT count(name) FROM dim_buyers") == [2]


def test_a_role_that_is_no_more_is_told_and_kept(sales):
    sales.run(mapping())
    report = sales.run(mapping(seller="dim_vendors"))
    assert "dim_sellers: is no longer a role in the mapping" in notices(report)
    assert [name for name, _ in described(sales)] == ["dim_buyers", "dim_sellers", "dim_vendors"]
    # Another star's roles of the same table are its own.
    assert "no longer" not in notices(sales.run({**mapping(seller=None), "name": "other"}))


def test_a_table_with_the_name_of_a_role_is_refused(sales):
    sales.warehouse("CREATE TABLE public.dim_sellers (id int)")
    with pytest.raises(MappingError, match=r"role: public\.dim_sellers is there, and is no view"):
        sales.run(mapping())
