"""Cursors over joined tables: a row is read when any of them says that it is new (TRAPS 1, 6)."""

from __future__ import annotations

from contextlib import closing

import pytest

from engine.errors import CheckFailedError, MappingError
from tests.conftest import connect
from tests.integration.stars import Entry, Stars, counts, entry_of, fact, notices, star, untouched

QUERY = """
SELECT o.id, o.amount, o.at AS order_at, p.name AS product, p.at AS product_at
FROM deals AS o LEFT JOIN wares AS p ON p.id = o.product
"""


@pytest.fixture
def shop(stars) -> Stars:
    stars.source(
        "CREATE TABLE wares (id int PRIMARY KEY, name text, at timestamptz DEFAULT now());"
        "CREATE TABLE deals (id int PRIMARY KEY, product int, amount int, at timestamptz DEFAULT now());"
        "INSERT INTO wares SELECT n, 'product ' || n, now() - interval '1 day' * n"
        " FROM generate_series(1, 9) AS n;"
        "INSERT INTO deals SELECT n, n % 10, n, now() - interval '1 hour' * n"
        " FROM generate_series(1, 40) AS n"
    )
    return stars


def mapping(*cursors: str | Entry, **more: object) -> Entry:
    listed = list(cursors) or ["order_at", {"column": "product_at", "null": "never"}]
    return star(orders=fact(QUERY, "id amount product", cursor=listed, load="upsert", **more))


def test_a_change_in_the_joined_table_alone_arrives(shop):
    shop.run(mapping())
    assert counts(shop.run(mapping()), "orders") == {"read": 4, "unchanged": 4}  # the ties
    shop.source("UPDATE wares SET name = 'renamed', at = now() WHERE id = 3")
    report = shop.run(mapping())
    assert counts(report, "orders") == {"read": 8, "updated": 4, "unchanged": 4}
    assert shop.column("SELECT id FROM orders WHERE product = 'renamed' ORDER BY 1") == [
        3,
        13,
        23,
        33,
    ]
    shop.run(mapping())
    # An order that is new, of a product that is old: the watermark of the products stays where it is.
    shop.source("INSERT INTO deals VALUES (41, 9, 41), (42, 77, 42)")
    assert counts(shop.run(mapping()), "orders") == {"read": 7, "inserted": 2, "unchanged": 5}
    before = untouched(shop)
    assert counts(shop.run(mapping()), "orders") == {"read": 6, "unchanged": 6}
    assert untouched(shop) == before
    ((high, further),) = shop.warehouse("SELECT high, further FROM engine.watermark WHERE settled")
    assert high > further[0] > "2026"
    assert "order_at >= " in (plan := shop.engine("plan", shop.write(mapping()))).stdout, (
        plan.stderr
    )
    assert " or product_at >= " in plan.stdout
    source = mapping(checks=[{"row_count": "source"}])
    assert [check.status for check in shop.run(source).checks] == ["pass"]


@pytest.mark.parametrize(
    "written",
    [
        "UPDATE wares SET name = 'late', at = now() WHERE id = 3",
        "INSERT INTO deals VALUES (99, 1, 99)",
    ],
)
def test_what_is_committed_late_in_either_table_arrives(shop, written):
    shop.run(mapping())
    with closing(connect(shop.databases.source_admin_url)) as late:
        late.cursor().execute(written)
        for n in (1, 2):  # both tables go on while it is open
            shop.source(
                f"INSERT INTO deals VALUES ({100 + n}, 1, 1);"
                "UPDATE wares SET name = name || '!', at = now() WHERE id = 5"
            )
            assert counts(shop.run(mapping()), "orders")["inserted"] == 1
        late.commit()
    done = counts(shop.run(mapping()), "orders")
    assert done.get("inserted", 0) == (1 if "INSERT" in written else 0)
    assert done.get("updated", 0) == (0 if "INSERT" in written else 4)
    shop.run(mapping())
    assert "updated" not in counts(shop.run(mapping()), "orders")


def test_rows_without_a_cursor_follow_the_rule_of_each(shop):
    always = mapping("order_at", "product_at")
    shop.run(always)
    report = shop.run(always)
    assert entry_of(report, "orders").null_cursors == 4  # orders of no product
    assert counts(report, "orders") == {"read": 8, "unchanged": 8}
    with pytest.raises(
        CheckFailedError, match="4 rows have no product_at, and the cursor says null"
    ):
        shop.run(mapping("order_at", {"column": "product_at", "null": "fail"}))
    shop.source("UPDATE deals SET at = NULL WHERE id IN (10, 11)")
    never = mapping(
        {"column": "order_at", "null": "never"}, {"column": "product_at", "null": "never"}
    )
    report = shop.run(never, full_refresh=True)
    # Order 11 has a product; order 10 has nothing that could ever tell that it is new.
    assert (entry_of(report, "orders").read, entry_of(report, "orders").null_cursors) == (39, 1)
    shop.source(
        "UPDATE wares SET at = now() WHERE id = 1; UPDATE deals SET amount = 0 WHERE id = 11"
    )
    assert counts(shop.run(never), "orders")["updated"] == 1


def test_a_watermark_of_one_cursor_is_understood_and_another_cursor_reads_all(shop):
    one = mapping("order_at")
    shop.run(one)
    shop.warehouse(
        "ALTER TABLE engine.watermark DROP COLUMN further; UPDATE engine.version SET number = 2"
    )
    assert counts(shop.run(one), "orders") == {"read": 1, "unchanged": 1}
    report = shop.run(mapping())
    assert "the definition has changed since the last run" in notices(report)
    assert counts(shop.run(mapping()), "orders") == {"read": 4, "unchanged": 4}
    with pytest.raises(
        MappingError, match=r"the query has no column 'product_id' \(did you mean 'product'"
    ):
        shop.plan(mapping("order_at", "product_id"))


def test_the_row_that_wins_is_the_same_however_it_was_found(shop):
    lines = QUERY.replace("o.id,", "o.id % 10 AS id,")
    best = star(
        best=fact(
            lines,
            "id amount product",
            cursor=["order_at", "product_at"],
            dedupe="amount DESC",
            load="upsert",
        )
    )
    shop.run(best)
    shop.source("UPDATE wares SET name = 'renamed', at = now() WHERE id = 3")
    shop.source("INSERT INTO deals VALUES (54, 4, 1)")
    shop.run(best)
    assert shop.warehouse("SELECT id, amount, product FROM best WHERE id IN (3, 4) ORDER BY 1") == [
        (3, 33, "renamed"),
        (4, 34, "product 4"),
    ]
