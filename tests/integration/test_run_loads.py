"""How rows get into dimensions and facts: each way to load, keys, duplicates, comparison, special members."""

from __future__ import annotations

import json
import re
import time

import pytest

from engine.errors import CheckFailedError
from tests.integration.stars import (
    UNKNOWN,
    Entry,
    Stars,
    counts,
    dimension,
    entry_of,
    fact,
    notices,
    star,
    untouched,
)

ITEMS = """
CREATE TABLE items (id int, name text, amount numeric);
INSERT INTO items VALUES (1, 'one', 10), (2, 'two', 20), (3, 'three', 30)
"""
QUERY = "SELECT * FROM items"
CHANGES = """
UPDATE items SET name = 'TWO', amount = 22 WHERE id = 2;
DELETE FROM items WHERE id = 3;
INSERT INTO items VALUES (4, 'four', 40)
"""


@pytest.fixture
def items(stars) -> Stars:
    stars.source(ITEMS)
    return stars


# --- the ways to load


@pytest.mark.parametrize(
    ("load", "did", "rows"),
    [
        (
            "upsert",
            {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1},
            [(1, 1, "one"), (2, 2, "TWO"), (3, 3, "three"), (4, 4, "four")],
        ),
        (
            "insert",
            {"read": 3, "inserted": 1, "unchanged": 2},
            [(1, 1, "one"), (2, 2, "two"), (3, 3, "three"), (4, 4, "four")],
        ),
        (
            "replace",
            {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1, "deleted": 1},
            [(1, 1, "one"), (2, 2, "TWO"), (4, 4, "four")],
        ),
    ],
)
def test_a_dimension_is_loaded_as_its_mode_says(items, load, did, rows):
    mapping = star(dim_items=dimension(QUERY, load=load, special_members=UNKNOWN))
    assert counts(items.run(mapping), "dim_items") == {"read": 3, "inserted": 3}
    items.source(CHANGES)
    assert counts(items.run(mapping), "dim_items") == did
    assert items.warehouse("SELECT key, id, name FROM dim_items ORDER BY 1") == [
        (-1, None, None),
        *rows,
    ]
    before = untouched(items)
    assert entry_of(items.run(mapping), "dim_items").unchanged == 3
    assert untouched(items) == before


def test_what_is_known_to_find_nothing_is_not_asked(items):
    mapping = star(dim_items=dimension(QUERY), sales=fact(QUERY, "id amount", load="upsert"))
    items.run(mapping)
    steps = {"update changed", "insert new"}
    for change, asked in (
        ("UPDATE items SET amount = amount", set()),
        ("UPDATE items SET name = 'TWO', amount = 22 WHERE id = 2", {"update changed"}),
        ("INSERT INTO items VALUES (4, 'four', 40)", steps),
    ):
        items.source(change)
        report = items.run(mapping)
        for name in ("dim_items", "sales"):
            did = {done.title for done in report.steps if done.entry == name}
            assert did & steps == asked, (name, change)
    assert items.column("SELECT id FROM sales ORDER BY 1") == [1, 2, 3, 4]
    assert items.column("SELECT name FROM dim_items ORDER BY id") == ["one", "TWO", "three", "four"]


def test_a_row_that_changed_after_it_was_appended_is_told_of(items):
    mapping = star(
        sales=fact(QUERY, cursor="id"), dim_items=dimension(QUERY, cursor="id", load="insert")
    )
    items.run(mapping)
    assert "have changed" not in notices(items.run(mapping))
    items.source("UPDATE items SET amount = 0, name = 'other' WHERE id = 3")
    report = items.run(mapping)
    assert counts(report, "sales") == counts(report, "dim_items") == {"read": 1, "unchanged": 1}
    for name in ("sales", "dim_items"):
        assert f"{name}: 1 row that was read again has changed in the source" in notices(report)
    assert items.column("SELECT amount FROM sales WHERE id = 3") == [30]
    items.run(mapping, full_refresh=True)
    assert items.column("SELECT amount FROM sales WHERE id = 3") == [0]


def test_a_new_column_of_members_that_stay_as_first_seen_is_filled(items):
    mapping = star(dim_items=dimension(QUERY, load="insert"))
    items.run(mapping)
    items.source(CHANGES)
    wider = star(dim_items=dimension(QUERY, "id name amount", load="insert"))
    assert counts(items.run(wider), "dim_items") == {"read": 3, "inserted": 1, "updated": 2}
    assert items.warehouse("SELECT id, name, amount FROM dim_items ORDER BY 1") == [
        *((1, "one", 10), (2, "two", 22), (3, "three", None), (4, "four", 40))
    ]
    items.source("UPDATE items SET amount = 0")
    assert counts(items.run(wider), "dim_items") == {"read": 3, "unchanged": 3}


@pytest.mark.parametrize(
    ("load", "did", "rows"),
    [
        (
            "append",
            {"read": 3, "inserted": 1, "unchanged": 2},
            [(1, 10), (2, 20), (3, 30), (4, 40)],
        ),
        (
            "upsert",
            {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1},
            [(1, 10), (2, 22), (3, 30), (4, 40)],
        ),
        (
            "replace",
            {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1, "deleted": 1},
            [(1, 10), (2, 22), (4, 40)],
        ),
    ],
)
def test_a_fact_is_loaded_as_its_mode_says(items, load, did, rows):
    mapping = star(sales=fact(QUERY, load=load))
    assert counts(items.run(mapping), "sales") == {"read": 3, "inserted": 3}
    items.source(CHANGES)
    assert counts(items.run(mapping), "sales") == did
    assert items.warehouse("SELECT id, amount FROM sales ORDER BY 1") == rows
    before = untouched(items)
    assert entry_of(items.run(mapping), "sales").unchanged == 3
    assert untouched(items) == before


def shop(load: str = "replace") -> Entry:
    """Return a star whose facts refer to a dimension that is replaced."""
    return star(
        dim_items=dimension(QUERY, load=load, special_members=UNKNOWN),
        sales=fact(
            "SELECT id AS sale, id FROM items UNION ALL SELECT 99, NULL",
            "sale",
            lookups={"item_key": {"dimension": "dim_items", "on": "id"}},
        ),
    )


# TRAPS 39
def test_a_replaced_dimension_keeps_members_that_facts_refer_to_and_all_keys(items):
    items.run(shop())
    items.source(
        "DELETE FROM items WHERE id < 3; INSERT INTO items VALUES (7, 'seven'), (8, 'eight')"
    )
    items.run(shop(), "dim_items")
    assert items.warehouse("SELECT key, id FROM dim_items ORDER BY 1") == [
        (-1, None),
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 7),
        (5, 8),
    ]
    items.source("DELETE FROM items WHERE id = 8")  # no fact refers to it yet
    assert entry_of(items.run(shop(), "dim_items"), "dim_items").deleted == 1
    items.warehouse("DELETE FROM sales WHERE sale = 1")
    assert entry_of(items.run(shop(), "dim_items"), "dim_items").deleted == 1
    assert items.column("SELECT id FROM dim_items WHERE key > 0 ORDER BY 1") == [2, 3, 7]
    # The key of the member that is gone is not given again.
    items.source("INSERT INTO items VALUES (9, 'nine')")
    items.run(shop(), "dim_items")
    assert items.column("SELECT key FROM dim_items WHERE id = 9") == [6]


@pytest.mark.parametrize("empty", ["DELETE FROM items", "UPDATE items SET id = NULL"])
def test_replace_refuses_to_empty_a_table(items, empty):
    dim = star(dim_items=dimension(QUERY, load="replace"))
    of = star(sales=fact(QUERY, load="replace"))
    items.run(dim)
    items.run(of)
    before = untouched(items)
    items.source(empty)
    for mapping, entry in ((dim, "dim_items"), (of, "sales")):
        with pytest.raises(CheckFailedError) as error:
            items.run(mapping)
        kind = "dimensions" if entry == "dim_items" else "facts"
        line = items.write(mapping).read_text().split("\n").index("    source:") + 1
        assert str(error.value).endswith(
            f"little.yml:{line}:5: {entry}: there is no row to load, and load: replace would empty "
            "the table; if that is right, say allow_empty: true"
        ), kind
    assert untouched(items) == before


def test_replace_empties_a_table_when_the_mapping_allows_it(items):
    mapping = star(sales=fact(QUERY, load="replace", allow_empty=True))
    items.run(mapping)
    items.source("DELETE FROM items")
    assert counts(items.run(mapping), "sales") == {"deleted": 3}
    assert items.column("SELECT count(*) FROM sales") == [0]


# --- keys


# TRAPS 21
def test_natural_keys_of_several_columns_do_not_run_into_each_other(stars):
    query = "SELECT * FROM (VALUES {}) AS v (a, b, name)"
    rows = [
        "('a-b', 'c', 'first')",
        "('a', 'b-c', 'second')",
        "('a', '-bc', 'third')",
        "('', 'a-b-c', 'x')",
    ]

    def mapping(*given: str) -> Entry:
        columns = "a b name"
        return star(
            dim_pairs=dimension(
                query.format(", ".join(given)),
                columns,
                natural_key=["a", "b"],
                special_members=UNKNOWN,
            ),
            sales=fact(
                query.format(", ".join(given)),
                columns,
                grain=["a", "b"],
                lookups={"pair_key": {"dimension": "dim_pairs", "on": {"a": "a", "b": "b"}}},
            ),
        )

    stars.run(mapping(rows[0]))
    assert counts(stars.run(mapping(*rows)), "dim_pairs") == {
        "read": 4,
        "inserted": 3,
        "unchanged": 1,
    }
    assert stars.column(
        "SELECT count(*) FROM sales AS s JOIN dim_pairs AS d ON d.key = s.pair_key AND d.name = s.name"
    ) == [4]


def test_a_grain_may_hold_the_key_of_a_lookup(items):
    mapping = star(
        dim_items=dimension(QUERY, special_members=UNKNOWN),
        sales=fact(
            "SELECT id, name, amount FROM items",
            "amount",
            grain=["item_key"],
            load="upsert",
            lookups={"item_key": {"dimension": "dim_items", "on": "id"}},
        ),
    )
    items.run(mapping)
    items.source("UPDATE items SET amount = 0 WHERE id = 1")
    assert counts(items.run(mapping), "sales") == {"read": 3, "updated": 1, "unchanged": 2}
    assert items.warehouse("SELECT * FROM sales ORDER BY 1") == [(1, 0), (2, 20), (3, 30)]


@pytest.mark.parametrize(
    ("mapping", "entry", "word"),
    [
        (star(dim_items=dimension(QUERY)), "dim_items", "natural key"),
        (star(sales=fact(QUERY)), "sales", "grain"),
    ],
)
# TRAPS 22
def test_a_row_without_a_key_is_rejected_and_kept_once(items, mapping, entry, word):
    items.source("INSERT INTO items VALUES (NULL, 'nobody', 1), (NULL, 'nothing', 2)")
    assert counts(items.run(mapping), entry) == {"read": 5, "inserted": 3, "rejected": 2}
    kept = items.warehouse(
        "SELECT reject_id, mapping, entry, rule, reason, row->>'name' FROM engine.reject ORDER BY 6"
    )
    rule = f"{'dimensions' if entry == 'dim_items' else 'facts'}.{entry}.{word.replace(' ', '_')}"
    assert kept == [
        (1, "little", entry, rule, f"the {word} is null", "nobody"),
        (2, "little", entry, rule, f"the {word} is null", "nothing"),
    ]
    before = untouched(items)
    assert counts(items.run(mapping), entry) == {"read": 5, "unchanged": 3, "rejected": 2}
    assert untouched(items) == before
    assert len(items.warehouse("SELECT * FROM engine.reject")) == 2


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("mapping", "entry"),
    [(star(dim_items=dimension(QUERY)), "dim_items"), (star(sales=fact(QUERY)), "sales")],
)
# TRAPS 23
def test_two_rows_of_one_key_fail_the_run(items, mapping, entry, first):
    if not first:
        items.run(mapping)
        before = untouched(items)
    items.source("INSERT INTO items VALUES (2, 'another two', 5)")
    with pytest.raises(CheckFailedError) as error:
        items.run(mapping)
    said = str(error.value)
    word = "natural_key" if entry == "dim_items" else "grain"
    lines = items.write(mapping).read_text().split("\n")
    (line,) = (n for n, text in enumerate(lines, 1) if text.startswith(f"    {word}:"))
    assert f"little.yml:{line}:" in said
    assert "mend the query, or say with source.dedupe which row wins" in said
    if first:
        assert (
            f"{entry}: two rows of the source have the same key: Key (id)=(2) is duplicated" in said
        )
        assert items.column(f"SELECT to_regclass('{entry}') IS NULL") == [True]
    else:
        called = word.replace("_", " ")
        assert (
            f"{entry}: the {called} is not unique: 1 key has several rows, such as (id) = (2)"
            in said
        )
        assert untouched(items) == before


@pytest.mark.parametrize("dedupe", [{}, {"dedupe": "name"}])
def test_two_rows_of_one_key_in_a_table_of_somebody_else_are_told_from_those_of_the_source(
    items, dedupe
):
    items.warehouse(
        "CREATE TABLE sales AS SELECT n % 2 AS id, 1.0 AS amount FROM generate_series(1, 3) AS n"
    )
    with pytest.raises(CheckFailedError) as error:
        items.run(star(sales=fact(QUERY, load="upsert", **dedupe)))
    said = r"little.yml:\d+:\d+: sales: table public.sales has two rows of one key already: Key \(id\)=\(1\)"
    assert re.search(said, str(error.value))
    assert items.column("SELECT count(*) FROM sales") == [3]


@pytest.mark.parametrize("first", [True, False])
# TRAPS 23
def test_of_two_rows_of_one_key_the_first_in_the_declared_order_wins(items, first):
    mapping = star(
        dim_items=dimension(QUERY, dedupe="amount DESC NULLS LAST, name"),
        sales=fact(QUERY, "id name", dedupe="amount DESC NULLS LAST, name", load="upsert"),
    )
    if not first:
        items.run(mapping)
    items.source(
        "INSERT INTO items VALUES (2, 'least', 5), (2, 'no amount', NULL), (2, 'winner', 99), (2, 'xylo', 99)"
    )
    report = items.run(mapping)
    for entry in ("dim_items", "sales"):
        done = {"inserted": 3} if first else {"updated": 1, "unchanged": 2}
        assert counts(report, entry) == {"read": 7, "rejected": 4, **done}
        assert items.column(f"SELECT name FROM {entry} WHERE id = 2") == ["winner"]
    losers = items.column("SELECT row->>'name' FROM engine.reject WHERE entry = 'sales' ORDER BY 1")
    assert losers == ["least", "no amount", "two", "xylo"]
    before = untouched(items)
    items.run(mapping)
    assert untouched(items) == before


# TRAPS 24
def test_keys_are_dense_and_none_is_burned_by_changes(items):
    mapping = star(dim_items=dimension(QUERY, dedupe="name"))
    for n in range(3):
        items.source(f"UPDATE items SET name = name || {n}; INSERT INTO items VALUES (2, 'zz')")
        items.run(mapping)
    items.source("INSERT INTO items VALUES (4, 'four')")
    items.run(mapping)
    assert items.column("SELECT key FROM dim_items ORDER BY id") == [1, 2, 3, 4]


def test_the_keys_of_a_table_that_was_emptied_are_not_given_again(items):
    mapping = star(
        dim_items=dimension(QUERY),
        dim_versions=dimension("SELECT * FROM items", {"id": None, "name": {"scd": 2}}),
    )
    tables = ("dim_items", "dim_versions")
    items.run(mapping)
    for table in tables:
        assert items.column(f"SELECT key FROM {table} ORDER BY id") == [1, 2, 3]
    items.warehouse("TRUNCATE dim_items, dim_versions")
    items.run(mapping)
    for table in tables:
        assert items.column(f"SELECT key FROM {table} ORDER BY id") == [4, 5, 6]


# TRAPS 41
def test_a_query_is_asked_once_for_what_is_new_and_what_has_changed(items):
    """Asked again, it could give other rows: this one gives other values each time."""
    query = "SELECT id, md5(random()::text) AS name, amount FROM items"
    mapping = star(dim_items=dimension(query))

    def scans() -> int:
        """Return how often the table was read; a server counts that when sessions have ended."""
        others = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE usename <> current_user AND datname = current_database()"
        )
        while items.source(others) != [(0,)]:
            time.sleep(0.01)
        ((count,),) = items.source("SELECT pg_stat_get_numscans('items'::regclass)")
        return int(count)

    items.run(mapping)
    before = scans()
    items.source("INSERT INTO items VALUES (4, 'four', 40)")
    assert counts(items.run(mapping), "dim_items") == {"read": 4, "inserted": 1, "updated": 3}
    assert scans() - before == 1


# --- which rows have changed


def changed(
    stars: Stars, type_: str, before: str, after: str, compare: str = "value"
) -> dict[str, int]:
    """Load one value, change it to another, and return what the second run did."""
    stars.source(
        f"DROP TABLE IF EXISTS v; CREATE TABLE v (id int, value {type_}); INSERT INTO v VALUES (1, {before})"
    )
    mapping = star(dim_v=dimension("SELECT * FROM v", {"id": None, "value": compare}))
    stars.run(mapping)
    stars.source(f"UPDATE v SET value = {after}")
    return counts(stars.run(mapping), "dim_v")


UPDATED, SAME = {"read": 1, "updated": 1}, {"read": 1, "unchanged": 1}


# TRAPS 20
def test_null_is_a_value_like_any_other(stars):
    assert changed(stars, "text", "NULL", "'a'") == UPDATED
    stars.warehouse("DROP TABLE dim_v")
    assert changed(stars, "text", "'a'", "NULL") == UPDATED
    stars.warehouse("DROP TABLE dim_v")
    assert changed(stars, "text", "NULL", "NULL") == SAME
    stars.warehouse("DROP TABLE dim_v")
    assert changed(stars, "text", "''", "NULL") == UPDATED


@pytest.mark.parametrize(
    ("type_", "before", "same", "other"),
    [
        # json keeps its spelling, which may hold what jsonb cannot.
        ("json", r"""'{"a": "\u0000"}'""", r"""'{"a": "\u0000"}'""", r"""'{"a":"\u0000"}'"""),
        ("json[]", r"""ARRAY['"\ud800"'::json]""", r"""ARRAY['"\ud800"'::json]""", "NULL"),
        ("point", "'(1,2)'", "'(1, 2)'", "'(1,3)'"),
        # Boxes and circles of one area are equal to PostgreSQL.
        ("box", "'(0,0),(2,3)'", "'((2,3),(0,0))'", "'(0,0),(3,2)'"),
        ("circle", "'<(0,0),1>'", "'((0,0),1)'", "'<(5,5),1>'"),
        ("polygon", "'((0,0),(1,1))'", "'((0,0),(1,1))'", "'((0,0),(1,2))'"),
        ("numeric", "1.0", "1.00", "1.01"),
        ("numeric", "'NaN'", "'NaN'", "0"),
        ("float8", "'NaN'", "'NaN'", "0"),
        ("char(5)", "'a'", "'a    '", "'b'"),
        ("timestamptz", "'2026-01-01 12:00+00'", "'2026-01-01 13:00+01'", "'2026-01-01 12:00+01'"),
        ("timestamptz", "'infinity'", "'infinity'", "'-infinity'"),
        ("text[]", "'{a,NULL}'", "'{a,NULL}'", "'{NULL,a}'"),
        ("jsonb", """'{"a": null}'""", """'{"a":null}'""", "'{}'"),
    ],
)
# TRAPS 21
def test_what_differs_in_its_spelling_alone_is_no_change(stars, type_, before, same, other):
    assert changed(stars, type_, before, same) == SAME
    stars.source(f"UPDATE v SET value = {other}")
    mapping = star(dim_v=dimension("SELECT * FROM v", "id value"))
    assert counts(stars.run(mapping), "dim_v") == UPDATED


# TRAPS 25
def test_only_the_rows_that_changed_are_written(items):
    mapping = star(dim_items=dimension(QUERY), sales=fact(QUERY, load="upsert"))
    items.run(mapping)
    before = untouched(items)
    items.source("UPDATE items SET name = 'changed', amount = amount + 1 WHERE id = 2")
    items.run(mapping)
    for table, rows in untouched(items).items():
        assert len(set(rows) - set(before[table])) == (0 if table.endswith("_seq") else 1), table


# TRAPS 20, 21, 24, 25
def test_what_is_new_by_a_cursor_is_looked_for_once(items):
    """Each row of a part of a fact is inserted, updated or left by the same statement."""
    items.source(
        "CREATE TABLE sales (id int, amount numeric, note json, seen int);"
        "INSERT INTO sales VALUES (1, 1, '{}', 1), (2, 2, '{}', 2), (3, NULL, NULL, 9), (4, 1.0, '[]', 9)"
    )
    mapping = star(
        sales=fact(
            "SELECT * FROM sales",
            "id amount note",
            cursor={"column": "seen", "null": "never"},
            load="upsert",
            audit=["loaded_at", "updated_at"],
        )
    )
    items.run(mapping)
    times = "SELECT id, _loaded_at = _updated_at FROM sales ORDER BY 1"
    before = untouched(items)["sales"]
    items.source(
        "UPDATE sales SET seen = 9, amount = 1.00 WHERE id = 1;"  # as it is
        "UPDATE sales SET seen = 9, amount = NULL WHERE id = 2;"
        "UPDATE sales SET note = '[ ]' WHERE id = 4;"
        "INSERT INTO sales VALUES (5, 5, NULL, 9)"
    )
    report = items.run(mapping)
    assert counts(report, "sales") == {"read": 5, "inserted": 1, "updated": 2, "unchanged": 2}
    did = {step.title: step.rows for step in report.steps if step.entry == "sales"}
    assert (did["upsert"], did["upsert, inserted"], did["upsert, unchanged"]) == (2, 1, 2)
    assert not {"count unchanged", "update changed", "insert new"} & set(did)
    assert len(set(untouched(items)["sales"]) & set(before)) == 2
    assert items.warehouse(times) == [(1, True), (2, False), (3, True), (4, False), (5, True)]
    assert items.warehouse("SELECT id, amount, note::text FROM sales ORDER BY 1") == [
        (1, 1, "{}"), (2, None, "{}"), (3, None, None), (4, 1, "[ ]"), (5, 5, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "made",
    [
        "ALTER TABLE sales ADD own bigint GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE sales ADD own serial",
        "ALTER TABLE sales DROP CONSTRAINT sales_pkey, ADD PRIMARY KEY (id) DEFERRABLE",
        "CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER t BEFORE INSERT ON sales FOR EACH ROW EXECUTE FUNCTION hear()",
        "CREATE RULE r AS ON UPDATE TO sales DO ALSO NOTHING",
        "ALTER TABLE sales RENAME TO gone; CREATE TABLE public.sales (LIKE gone) PARTITION BY RANGE (id);"
        "CREATE TABLE public.sales_all PARTITION OF public.sales DEFAULT;"
        "INSERT INTO public.sales SELECT * FROM gone;"
        "DROP TABLE gone; ALTER TABLE public.sales ADD PRIMARY KEY (id)",
    ],
    ids=["identity", "serial", "deferrable", "trigger", "rule", "partitioned"],
)
def test_rows_are_not_tried_where_that_could_be_noticed(items, made):
    """A sequence would count rows that are there, a trigger hear of them (TRAPS 24, 25)."""
    mapping = star(sales=fact(QUERY, "id amount name", load="upsert", cursor="id"))
    items.run(mapping)
    items.warehouse(made)
    items.run(mapping)  # a table that was made anew is read as a whole
    items.source(
        "INSERT INTO items VALUES (4, 'four', 40); UPDATE items SET name = '3' WHERE id = 3"
    )
    report = items.run(mapping)
    assert counts(report, "sales") == {"read": 2, "inserted": 1, "updated": 1}
    assert "upsert" not in {step.title for step in report.steps}
    items.source("UPDATE items SET amount = 4 WHERE id = 4")
    assert counts(items.run(mapping), "sales")["updated"] == 1


# --- special members

MEMBERS = {
    "unknown": {"key": -1, "id": -1, "name": "Unknown"},
    "none": {"key": 0, "name": "None at all"},
}


# TRAPS 26
def test_special_members_are_there_and_are_nobodys_business(items):
    mapping = star(
        dim_items=dimension(
            QUERY,
            special_members={**MEMBERS, "other": {"key": -2, "name": "Unknown"}},
            load="replace",
            checks=[
                {"row_count": {"max": 3}},
                {"not_null": "id"},
                {"unique": "name"},
                {"accepted": {"name": ["one", "two", "three"]}},
            ],
        )
    )
    report = items.run(mapping)
    assert counts(report, "dim_items") == {"read": 3, "inserted": 3}
    assert {check.status for check in report.checks} == {"pass"}
    assert {check.total for check in report.checks} == {3}
    assert items.warehouse("SELECT key, id, name FROM dim_items WHERE key <= 0 ORDER BY 1") == [
        (-2, None, "Unknown"),
        (-1, -1, "Unknown"),
        (0, None, "None at all"),
    ]
    before = untouched(items)
    items.run(mapping)  # a replace deletes none of them
    assert untouched(items) == before


def test_a_special_member_does_not_hide_a_row_of_its_natural_key(items):
    mapping = star(dim_items=dimension(QUERY, special_members=MEMBERS))
    items.run(mapping)
    before = untouched(items)
    items.source("INSERT INTO items VALUES (-1, 'minus one', 0)")
    with pytest.raises(CheckFailedError) as error:
        items.run(mapping)
    line = 1 + items.write(mapping).read_text().split("\n").index("      unknown:")
    assert re.search(
        rf":{line}:\d+: dim_items: 1 row has a problem: the natural key is that of the special member "
        "'unknown'; give that member another one, or none",
        str(error.value),
    )
    assert untouched(items) == before
    mapping = star(dim_items=dimension(QUERY, special_members=UNKNOWN))
    assert counts(items.run(mapping), "dim_items") == {"read": 4, "unchanged": 3, "inserted": 1}
    mapping = star(dim_items=dimension(QUERY, special_members=MEMBERS))
    with pytest.raises(CheckFailedError) as error:
        items.run(mapping)
    assert re.search(
        rf":{line}:\d+: dim_items: the natural key of the special member 'unknown' is that of a member that "
        r"is there: Key \(id\)=\(-1\) already exists; give the special member another one, or none",
        str(error.value),
    )


# TRAPS 26
def test_special_members_are_restored_when_somebody_edits_or_deletes_them(items):
    mapping = star(dim_items=dimension(QUERY, special_members=MEMBERS))
    items.run(mapping)
    before = items.warehouse("SELECT key, id, name FROM dim_items ORDER BY 1")
    items.warehouse(
        "DELETE FROM dim_items WHERE key = 0; UPDATE dim_items SET name = NULL WHERE key = -1"
    )
    assert counts(items.run(mapping), "dim_items") == {"read": 3, "unchanged": 3}
    assert items.warehouse("SELECT key, id, name FROM dim_items ORDER BY 1") == before


def test_a_special_member_follows_the_mapping(items):
    items.run(star(dim_items=dimension(QUERY, special_members=MEMBERS)))
    renamed = {**MEMBERS, "unknown": {"key": -1, "id": -1, "name": "It's \\ Nobody"}}
    items.run(star(dim_items=dimension(QUERY, special_members=renamed)))
    assert items.column("SELECT name FROM dim_items WHERE key = -1") == ["It's \\ Nobody"]


def test_special_members_of_a_calendar(stars):
    mapping = star(
        dim_date={
            "calendar": {"from": "2024-02-28", "to": "2024-03-01"},
            "key": "date_key",
            "columns": {"date": None, "name": "day_name || ' ' || day"},
            "special_members": {"unknown": {"key": -1, "name": "Unknown"}},
        }
    )
    for did in ("inserted", "unchanged"):
        assert counts(stars.run(mapping), "dim_date") == {"read": 3, did: 3}
    assert stars.warehouse("SELECT date_key, name FROM dim_date ORDER BY 1") == [
        (-1, "Unknown"),
        (20240228, "Wednesday 28"),
        (20240229, "Thursday 29"),
        (20240301, "Friday 1"),
    ]


def test_a_longer_calendar_gets_its_new_days_alone(stars):
    def calendar(until: str) -> Entry:
        return star(dim_date={"calendar": {"from": "2024-01-01", "to": until}, "key": "date_key"})

    stars.run(calendar("2024-01-31"))
    before = untouched(stars)["dim_date"]
    done = counts(stars.run(calendar("2024-02-29")), "dim_date")
    assert done == {"read": 60, "inserted": 29, "unchanged": 31}
    assert set(before) < set(untouched(stars)["dim_date"])


def test_the_report_of_the_command_line_counts_what_was_rejected(items):
    items.source("INSERT INTO items VALUES (NULL, 'nobody', 1)")
    done = items.engine("run", items.write(star(sales=fact(QUERY))), "--report", "json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["entries"]
    assert (entry["read"], entry["inserted"], entry["rejected"]) == (4, 3, 1)
