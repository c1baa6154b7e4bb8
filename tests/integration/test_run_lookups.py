"""How a fact finds its members, and that no lookup ever loses or doubles a row."""

from __future__ import annotations

import pytest

from engine.errors import CheckFailedError, MappingError
from tests.integration.stars import (
    UNKNOWN,
    Entry,
    Stars,
    counts,
    dimension,
    fact,
    star,
    untouched,
)

SHOP = """
CREATE TABLE people (country text, id int, name text);
INSERT INTO people VALUES ('DE', 1, 'Ada'), ('DE', 2, 'Bob'), ('FR', 1, 'Cléo');
CREATE TABLE sales (sale int, country text, buyer int, seller int, amount numeric,
  at timestamptz, code text);
INSERT INTO sales VALUES
  (10, 'DE', 1, 2, 5, '2024-02-29 23:59:59.999999+00', 'x1'),
  (11, 'FR', 1, NULL, 6, '2024-03-01 00:00+00', 'x2'),
  (12, 'DE', 7, 1, 7, '2024-02-29 00:00+00', 'x7'), (13, NULL, 2, 2, 8, NULL, NULL)
"""
PEOPLE = "SELECT * FROM people WHERE country = 'DE'"
SALES = "SELECT * FROM sales"


@pytest.fixture
def shop(stars) -> Stars:
    stars.source(SHOP)
    return stars


def people(**more: object) -> Entry:
    return dimension(PEOPLE, "id name", **{"special_members": UNKNOWN, **more})


def sales(lookups: Entry, columns: str | Entry = "sale amount", **more: object) -> Entry:
    return fact(SALES, columns, lookups=lookups, **more)


def loaded(stars: Stars, what: str) -> list[object]:
    return stars.column(f"SELECT {what} FROM sales ORDER BY sale")


def buyer(missing: str | None = None) -> Entry:
    given = {"missing": missing} if missing else {}
    return {"buyer_key": {"dimension": "dim_people", "on": "buyer", **given}}


@pytest.mark.parametrize("missing", [None, "unknown"])
@pytest.mark.parametrize("again", [True, False])
def test_a_row_without_a_member_gets_the_unknown_one(shop, missing, again):
    mapping = star(dim_people=people(), sales=sales(buyer(missing)))
    if again:
        shop.run(mapping)
        shop.warehouse("DELETE FROM sales WHERE sale > 10")
    report = shop.run(mapping, full_refresh=True)
    assert sum(counts(report, "sales").get(n, 0) for n in ("inserted", "unchanged")) == 4
    assert loaded(shop, "buyer_key") == [1, 1, -1, 2]


@pytest.mark.parametrize("again", [True, False])
def test_a_row_without_a_member_is_rejected_and_kept(shop, again):
    mapping = star(dim_people=people(), sales=sales(buyer("reject")))
    if again:
        shop.source("DELETE FROM sales WHERE sale = 12")
        shop.run(mapping)
        shop.source("INSERT INTO sales (sale, buyer) VALUES (12, 7), (14, NULL)")
    done = counts(shop.run(mapping), "sales")
    assert done["rejected"] == (2 if again else 1)
    assert loaded(shop, "sale") == [10, 11, 13]
    path = shop.write(mapping)
    line = path.read_text().split("\n").index("      buyer_key:") + 1
    assert shop.warehouse(
        "SELECT rule, reason, place, row->>'buyer' FROM engine.reject WHERE row->>'sale' = '12'"
    ) == [
        (
            "facts.sales.lookups.buyer_key",
            "no member of dim_people for buyer_key",
            f"{path}:{line}:7",
            "7",
        )
    ]


def test_a_rejected_row_is_loaded_once_its_member_is_there(shop):
    mapping = star(dim_people=people(), sales=sales(buyer("reject")))
    shop.run(mapping)
    shop.source("INSERT INTO people VALUES ('DE', 7, 'Late')")
    assert counts(shop.run(mapping), "sales") == {"read": 4, "inserted": 1, "unchanged": 3}
    assert loaded(shop, "buyer_key") == [1, 1, 3, 2]


@pytest.mark.parametrize("again", [True, False])
def test_a_row_without_a_member_fails_the_run(shop, again):
    mapping = star(dim_people=people(), sales=sales(buyer("fail")))
    if again:
        shop.source("UPDATE sales SET buyer = 1 WHERE buyer = 7")
        shop.run(mapping)
        shop.source("UPDATE sales SET buyer = 7 WHERE sale = 12")
    with pytest.raises(CheckFailedError) as error:
        shop.run(mapping)
    assert str(error.value).endswith(
        "sales: 1 row has a problem: no member of dim_people for buyer_key, such as id = 7"
    )
    assert shop.column("SELECT to_regclass('dim_people') IS NULL") == [not again]


def test_a_row_without_a_key_fails_the_run(shop):
    lookups = {"seller_key": {"dimension": "dim_people", "on": "seller", "missing": "fail"}}
    with pytest.raises(CheckFailedError, match=r"for seller_key, such as id is NULL$"):
        shop.run(star(dim_people=people(), sales=sales(lookups)))


def test_null_finds_nobody_even_where_a_special_member_has_no_natural_key(shop):
    """The unknown member's natural key is NULL here, and NULL is not equal to it."""
    lookups = {"seller_key": {"dimension": "dim_people", "on": "seller", "missing": "reject"}}
    mapping = star(dim_people=people(), sales=sales(lookups))
    assert counts(shop.run(mapping), "sales") == {"read": 4, "inserted": 3, "rejected": 1}
    assert loaded(shop, "seller_key") == [2, 1, 2]


OPEN_TIME = {**UNKNOWN, "not_yet": {"key": -2}}
OPEN = {**UNKNOWN, "nobody": {"key": -2, "name": "Nobody yet"}}


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("missing", ["unknown", "hold", "infer", "reject", "fail"])
def test_a_row_without_a_key_gets_the_member_that_is_named_for_it(shop, missing, again):
    """And `missing` is about keys that are there alone: sale 11 has no seller, sale 12 one who is nobody."""
    shop.source("UPDATE sales SET seller = 7 WHERE sale = 12")
    plain = {"dimension": "dim_people", "on": "seller"}
    mapping = star(
        dim_people=people(special_members=OPEN),
        sales=sales({"seller_key": {**plain, "missing": missing, "null": "nobody"}}),
    )
    if again:  # the word comes later: rows that are there get the member too
        shop.run(star(dim_people=people(), sales=sales({"seller_key": plain})))
        assert loaded(shop, "seller_key") == [2, -1, -1, 2]
        shop.warehouse("DELETE FROM sales WHERE sale > 11")
    if missing == "fail":
        with pytest.raises(CheckFailedError, match="1 row has a problem: no member of dim_people"):
            shop.run(mapping)
        shop.source("DELETE FROM sales WHERE sale = 12")
    report = shop.run(mapping)
    did = {"unknown": [-1], "infer": [3]}.get(missing, [])
    assert loaded(shop, "seller_key") == [2, -2, *did, 2]
    assert counts(report, "sales").get("held") == (1 if missing == "hold" else None)
    assert counts(report, "sales").get("rejected") == (1 if missing == "reject" else None)
    assert shop.column("SELECT name FROM dim_people WHERE key = -2") == ["Nobody yet"]
    before = untouched(shop)
    shop.run(mapping)
    assert untouched(shop) == before


def test_a_key_of_several_columns_is_not_there_when_one_of_them_is_not(shop):
    both = {"country": "country", "id": "seller"}
    mapping = star(
        dim_people=dimension(
            "SELECT * FROM people",
            {"country": None, "id": None, "name": {"scd": 2}},
            natural_key=["country", "id"],
            special_members=OPEN,
            durable_key="durable",
        ),
        sales=sales(
            {
                "seller_key": {
                    "dimension": "dim_people",
                    "on": both,
                    "null": "nobody",
                    "as_of": "at",
                },
                "durable": {
                    "dimension": "dim_people",
                    "on": both,
                    "null": "nobody",
                    "key": "durable",
                },
            },
            "sale at",
        ),
    )
    shop.source("UPDATE sales SET at = NULL WHERE sale = 10")  # which is no key
    shop.run(mapping)
    found = shop.warehouse("SELECT seller_key, durable FROM sales ORDER BY sale")
    assert [(version < 0 and version, durable < 0 and durable) for version, durable in found] == [
        *((-1, False), (-2, -2), (False, False), (-2, -2))
    ]


def test_a_time_that_has_not_come_is_not_midnight(shop):
    clock = {"clock": {"step": "minute"}, "key": "time_key", "special_members": OPEN_TIME}
    lookups = {"time_key": {"dimension": "dim_time", "on": "at::time", "null": "not_yet"}}
    shop.run(star(dim_time=clock, sales=sales(lookups)))
    assert loaded(shop, "time_key") == [235900, 0, 0, -2]


def test_a_member_of_an_outrigger_is_named_for_those_who_have_none(shop):
    boss = {"boss_key": {"dimension": "dim_boss", "on": "nullif(id, 2)", "null": "nobody"}}
    mapping = star(
        dim_boss=people(special_members=OPEN), dim_people=people(lookups=boss, load="upsert")
    )
    shop.run(mapping)
    boss = "SELECT p.boss_key, b.name FROM dim_people AS p JOIN dim_boss AS b ON b.key = boss_key"
    assert shop.warehouse(f"{boss} ORDER BY p.key") == [(-1, None), (1, "Ada"), (-2, "Nobody yet")]


def test_one_dimension_plays_several_roles(shop):
    lookups = {
        **buyer(),
        "seller_key": {"dimension": "dim_people", "on": "seller", "description": "Who sold it"},
        "nobody_key": {"dimension": "dim_people", "on": "buyer + 1000"},
    }
    mapping = star(dim_people=people(), sales=sales(lookups))
    shop.run(mapping)
    assert shop.warehouse("SELECT buyer_key, seller_key, nobody_key FROM sales ORDER BY sale") == [
        (1, 2, -1),
        (1, -1, -1),
        (-1, 1, -1),
        (2, 2, -1),
    ]
    assert shop.column(
        "SELECT col_description('sales'::regclass, attnum) FROM pg_attribute "
        "WHERE attrelid = 'sales'::regclass AND attname = 'seller_key'"
    ) == ["Who sold it"]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati"])
def test_a_day_is_found_by_a_timestamp(shop, zone):
    shop.execute_outside(
        shop.databases.warehouse_admin_url,
        f"ALTER DATABASE {shop.databases.warehouse.database} SET timezone = '{zone}'",
    )
    calendar = {
        "calendar": {"from": "2024-02-28", "to": "2024-03-01"},
        "key": "date_key",
        "special_members": UNKNOWN,
    }
    lookups = {
        "day_key": {"dimension": "dim_date", "on": "at"},
        "next_day_key": {"dimension": "dim_date", "on": {"date": "at + interval '1 day'"}},
    }
    shop.run(star(dim_date=calendar, sales=sales(lookups)))
    assert shop.warehouse("SELECT day_key, next_day_key FROM sales ORDER BY sale") == [
        (20240229, 20240301),
        (20240301, -1),
        (20240229, 20240301),
        (-1, -1),
    ]


def test_a_member_is_found_by_several_columns(shop):
    mapping = star(
        dim_people=dimension(
            "SELECT * FROM people",
            "country id name",
            natural_key=["country", "id"],
            special_members=UNKNOWN,
        ),
        sales=sales(
            {
                "buyer_key": {
                    "dimension": "dim_people",
                    "on": {"id": "buyer", "country": "upper(country)"},
                }
            }
        ),
    )
    shop.run(mapping)
    assert shop.column(
        "SELECT d.name FROM sales AS s LEFT JOIN dim_people AS d ON d.key = s.buyer_key ORDER BY sale"
    ) == ["Ada", "Cléo", None, None]


def test_a_lookup_may_be_any_expression_over_the_query(shop):
    lookups = {
        "buyer_key": {
            "dimension": "dim_people",
            # A comment must not swallow what follows.
            "on": "CASE WHEN code LIKE 'x%' THEN substr(code, 2)::int END -- the number after the x",
        }
    }
    shop.run(star(dim_people=people(), sales=sales(lookups)))
    assert loaded(shop, "buyer_key") == [1, 2, -1, -1]


def test_columns_of_the_dimension_are_not_mistaken_for_those_of_the_query(shop):
    """The dimension has an id, a name and a key of its own: an expression means the query's."""
    mapping = star(
        dim_people=people(),
        sales=fact(
            "SELECT sale AS id, buyer, 'of the query' AS name, 99 AS key FROM sales",
            {"id": None, "text": "name || id || key"},
            lookups=buyer(),
        ),
    )
    shop.run(mapping)
    assert shop.column("SELECT text FROM sales ORDER BY id LIMIT 1") == ["of the query1099"]


def test_a_lookup_of_another_type_finds_the_same_member(shop):
    mapping = star(
        dim_people=people(), sales=sales({"k": {"dimension": "dim_people", "on": "buyer::numeric"}})
    )
    shop.run(mapping)
    assert loaded(shop, "k") == [1, 1, -1, 2]
    mapping["facts"]["sales"]["lookups"]["k"]["on"] = "buyer::text"
    with pytest.raises(MappingError) as error:
        shop.run(mapping)
    assert "text cannot be compared with dim_people.id, which is integer" in str(error.value)


# TRAPS 27
def test_a_lookup_neither_loses_nor_doubles_a_row(shop):
    """The warehouse itself refuses a second member of one natural key, whoever tries to add it."""
    lookups = {
        **buyer(),
        "seller_key": {"dimension": "dim_people", "on": "seller"},
    }
    mapping = star(dim_people=people(), sales=sales(lookups))
    shop.run(mapping)
    unique = (
        "SELECT count(*) FROM pg_index WHERE indrelid = 'dim_people'::regclass AND indisunique "
        "AND NOT indisprimary"
    )
    assert shop.column(unique) == [1]
    # Without the index a second one gets in: the engine cannot build it again and says so.
    shop.warehouse(
        "DROP INDEX dim_people_id_key;"
        "INSERT INTO dim_people (id, name) SELECT id, 'impostor' FROM dim_people WHERE id = 1"
    )
    shop.source("INSERT INTO sales (sale, buyer) VALUES (15, 1)")
    with pytest.raises(CheckFailedError, match=r"Key \(id\)=\(1\) is duplicated"):
        shop.run(mapping)
    assert loaded(shop, "sale") == [10, 11, 12, 13]
    shop.warehouse("DELETE FROM dim_people WHERE name = 'impostor'")
    shop.run(mapping)
    assert shop.column(unique) == [1]
    assert loaded(shop, "sale") == [10, 11, 12, 13, 15]


def test_references_are_checked_against_the_members(shop):
    mapping = star(
        dim_people=people(),
        sales=sales(buyer(), checks=[{"references": {"buyer_key": "dim_people"}}]),
    )
    shop.run(mapping)
    shop.warehouse("UPDATE sales SET buyer_key = 77 WHERE sale < 12")  # an append changes no row
    said = "check 'references buyer_key in dim_people' fails: 2 of 4 rows break it"
    with pytest.raises(CheckFailedError, match=said):
        shop.run(mapping)


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize(
    ("given", "key", "why"),
    [
        ({}, -1, "'unknown' of dim_people, as these rows found no member: set missing: infer, "),
        (
            {"null": "none"},
            -2,
            "'none' of dim_people, as these rows have no value to look up: take",
        ),
        (
            {"missing": "infer"},
            -1,
            "'unknown' of dim_people, as these rows have no value to look up",
        ),
    ],
)
def test_rows_of_a_grain_that_find_no_member_are_told_as_such(shop, given, key, why, again):
    lookup = {"buyer_key": {**buyer()["buyer_key"], **given}}
    two = "(14, 'DE', 8, 1, 1), (15, 'DE', 7, 1, 1)" if not given else "(14, 'DE', NULL, 1, 1)"
    two = f"INSERT INTO sales (sale, country, buyer, seller, amount) VALUES {two}"
    members = {**UNKNOWN, "none": {"key": -2}}
    mapping = star(
        dim_people=people(special_members=members), sales=sales(lookup, "amount", grain="buyer_key")
    )
    shop.source("UPDATE sales SET buyer = 2 WHERE sale = 13; DELETE FROM sales WHERE sale = 11")
    if key == -2 or "missing" in given:
        two += "; UPDATE sales SET buyer = NULL WHERE sale = 13"
    if again:
        shop.run(mapping)
    shop.source(two)
    with pytest.raises(CheckFailedError) as caught:
        shop.run(mapping)
    assert f"buyer_key = {key} is the member {why}" in str(caught.value)
    assert "facts.sales.lookups.buyer_key" in str(caught.value)
    assert "dedupe" not in str(caught.value)


def test_other_rows_of_one_key_are_no_matter_of_a_lookup(shop):
    shop.source("UPDATE sales SET buyer = 1, country = 'a, b'")
    mapping = star(
        dim_people=people(),
        sales=sales(buyer(), "country amount", grain=["country", "buyer_key"]),
    )
    with pytest.raises(CheckFailedError, match=r"say with source.dedupe which row wins$"):
        shop.run(mapping)
