"""Reading only what is new, and never losing a row by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.database.embedded import Embedded
from engine.errors import CheckFailedError, RunError
from engine.sql.render import render
from tests.conftest import Databases, connect
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
CREATE TABLE items (
  id serial PRIMARY KEY, name text, amount numeric DEFAULT 1, day date, code text,
  at timestamptz DEFAULT now()
);
INSERT INTO items (name, at)
  SELECT 'old ' || n, now() - interval '1 hour' * n FROM generate_series(50, 1, -1) AS n
"""
QUERY = "SELECT id, name, amount, day, code, at FROM items"


def sales(cursor: str | Entry = "at", **more: object) -> Entry:
    """Return a star of one fact that is read by a cursor."""
    return star(sales=fact(QUERY, "id name", cursor=cursor, **more))


@pytest.fixture
def items(stars) -> Stars:
    stars.source(ITEMS)
    return stars


def names(stars: Stars, table: str = "sales") -> set[str]:
    return set(stars.column(f"SELECT name FROM {table} WHERE name NOT LIKE 'old%'"))


def read(stars: Stars, mapping: Entry, entry: str = "sales") -> int:
    """Run a mapping and return how many rows of an entry were read."""
    return entry_of(stars.run(mapping), entry).read


# --- rows that are committed late

# What a transaction does before the engine reads, and after.
LATE = {
    "plain": ("INSERT INTO items (name) VALUES ('late')", "SELECT 1"),
    "savepoint": (
        "SAVEPOINT a; INSERT INTO items (name) VALUES ('late'); RELEASE a",
        "SELECT 1",
    ),
    "exception block": (
        "DO $$ BEGIN INSERT INTO items (name) VALUES ('late'); EXCEPTION WHEN others THEN NULL; END $$",
        "SELECT 1",
    ),
    # It has its number and its clock, and no transaction id yet.
    "without an id": (
        "SELECT set_config('late.id', nextval('items_id_seq')::text, true)",
        "INSERT INTO items (id, name) VALUES (current_setting('late.id')::int, 'late')",
    ),
}


@pytest.mark.parametrize(
    ("way", "cursor"), [*((way, "id") for way in LATE), ("plain", "at"), ("without an id", "at")]
)
def test_a_row_that_is_committed_late_still_arrives(items, way, cursor):
    before, after = LATE[way]
    mapping = sales(cursor)
    items.run(mapping)
    with closing(connect(items.databases.source_admin_url)) as late:
        late.cursor().execute(before)
        for n in (1, 2):  # several runs while it is open
            items.source(f"INSERT INTO items (name) VALUES ('quick {n}')")
            assert counts(items.run(mapping), "sales")["inserted"] == 1
        late.cursor().execute(after)
        late.commit()
    assert counts(items.run(mapping), "sales")["inserted"] == 1
    assert names(items) == {"quick 1", "quick 2", "late"}
    # Now that all is settled, nothing old is read any more.
    items.run(mapping)
    assert read(items, mapping) == 1


def test_a_late_row_arrives_though_the_first_run_of_all_met_its_transaction(items):
    with closing(connect(items.databases.source_admin_url)) as late:
        late.cursor().execute("INSERT INTO items (name) VALUES ('late')")
        items.source("INSERT INTO items (name) VALUES ('quick')")
        items.run(sales("id"))
        late.commit()
    items.run(sales("id"))
    assert names(items) == {"quick", "late"}


def test_a_late_change_of_a_member_arrives(items):
    mapping = star(dim_items=dimension(QUERY, cursor="at"))
    items.run(mapping)
    with closing(connect(items.databases.source_admin_url)) as late:
        late.cursor().execute("UPDATE items SET name = 'late', at = now() WHERE id = 1")
        items.source("UPDATE items SET name = 'quick', at = now() WHERE id = 2")
        assert counts(items.run(mapping), "dim_items")["updated"] == 1
        late.commit()
    assert counts(items.run(mapping), "dim_items")["updated"] == 1
    assert names(items, "dim_items") == {"quick", "late"}


@pytest.fixture
def preparing(folder: Path, postgres, tmp_path: Path) -> Iterator[Stars]:
    """A source of its own that allows prepared transactions, which none does by default."""
    servers = Embedded(folder, sync=False, **postgres)
    servers.start()
    stars = Stars(Databases(servers.source, servers.warehouse), tmp_path)
    allow = "ALTER SYSTEM SET max_prepared_transactions = 4"
    stars.execute_outside(stars.databases.source_admin_url, allow)
    servers.stop()
    servers.start()
    yield Stars(Databases(servers.source, servers.warehouse), tmp_path)
    servers.stop()


def test_a_row_of_a_prepared_transaction_still_arrives(preparing):
    preparing.source(ITEMS)
    preparing.run(sales("id"))
    with closing(connect(preparing.databases.source_admin_url)) as late:
        late.cursor().execute("INSERT INTO items (name) VALUES ('late')")
        late.cursor().execute("PREPARE TRANSACTION 'it'")
    for n in (1, 2):
        preparing.source(f"INSERT INTO items (name) VALUES ('quick {n}')")
        preparing.run(sales("id"))
    admin = preparing.databases.source_admin_url
    preparing.execute_outside(admin, "COMMIT PREPARED 'it'")
    preparing.run(sales("id"))
    assert names(preparing) == {"quick 1", "quick 2", "late"}


# --- where the open transactions cannot be seen


@contextmanager
def blind(stars: Stars) -> Iterator[dict[str, str]]:
    """Give the settings of a role that may read the tables and see no other session."""
    server = stars.databases.source
    stars.source(
        "CREATE ROLE blind LOGIN PASSWORD 'blind-reader';"
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO blind"
    )
    try:
        yield {
            "SOURCE_URL": f"postgresql://blind:blind-reader@{server.host}:{server.port}/{server.database}"
        }
    finally:
        stars.source("DROP OWNED BY blind; DROP ROLE blind")


def test_a_role_that_cannot_see_others_trusts_a_lag_and_says_so(items):
    with blind(items) as environment:
        said = notices(items.run(sales("id"), environment=environment))
        assert "the open transactions of 'source' cannot be seen" in said
        assert "later than 3600 s after" in said
        assert "grant pg_read_all_stats to the role, or set cursor.lag" in said
        with closing(connect(items.databases.source_admin_url)) as late:
            late.cursor().execute("INSERT INTO items (name) VALUES ('late')")
            items.source("INSERT INTO items (name) VALUES ('quick')")
            items.run(sales("id"), environment=environment)
            late.commit()
        items.run(sales("id"), environment=environment)
        assert names(items) == {"quick", "late"}


def test_what_is_older_than_the_declared_lag_is_not_read_again(items):
    mapping = sales({"column": "id", "lag": "1h"})
    with blind(items) as environment:
        said = notices(items.run(mapping, environment=environment))
        assert "later than 3600 s after" in said
        assert entry_of(items.run(mapping, environment=environment), "sales").read == 50
        # As if those runs had been two hours ago.
        items.warehouse("UPDATE engine.watermark SET moment = moment - 7200000000")
        items.run(mapping, environment=environment)
        assert entry_of(items.run(mapping, environment=environment), "sales").read == 1


def test_a_declared_lag_holds_back_the_watermark_where_all_can_be_seen_too(items):
    mapping = sales({"column": "id", "lag": "1h"})
    assert notices(items.run(mapping)) == ""
    assert read(items, mapping) == 50
    items.warehouse("UPDATE engine.watermark SET moment = moment - 7200000000")
    items.run(mapping)
    assert read(items, mapping) == 1


# --- the border of the window


def test_rows_that_tie_with_the_watermark_are_neither_lost_nor_doubled(items):
    insert = "INSERT INTO items (name, at) SELECT '{}', max(at) FROM items"
    items.source(insert.format("first"))
    items.run(sales())
    for name in ("second", "third"):
        items.source(insert.format(name))
        assert counts(items.run(sales()), "sales")["inserted"] == 1
    assert items.column("SELECT count(*) FROM sales") == [53]
    assert names(items) == {"first", "second", "third"}


def test_a_date_as_cursor_loses_no_row_of_the_same_day(items):
    items.source("UPDATE items SET day = current_date - id")
    items.source("INSERT INTO items (name, day) VALUES ('morning', current_date)")
    items.run(sales("day"))
    items.source("INSERT INTO items (name, day) VALUES ('evening', current_date)")
    assert counts(items.run(sales("day")), "sales") == {"read": 2, "inserted": 1, "unchanged": 1}
    assert names(items) == {"morning", "evening"}


def test_a_cursor_keeps_its_microseconds(items):
    insert = "INSERT INTO items (name, at) VALUES ('{0}', '2026-03-04 05:06:07.12345{0}+00')"
    items.source("UPDATE items SET at = '2020-01-01'")
    items.source(insert.format(5))
    items.source(insert.format(6))
    items.run(sales())
    marks = items.column("SELECT high FROM engine.watermark WHERE settled")
    assert marks == ["2026-03-04 05:06:07.123456+00"]
    items.source(insert.format(7))
    assert counts(items.run(sales()), "sales") == {"read": 2, "inserted": 1, "unchanged": 1}


def linguistic(stars: Stars) -> str:
    """Return a collation that puts é before z, if the server has one; otherwise the default."""
    found = stars.source(
        "SELECT quote_ident(collname) FROM pg_collation WHERE collname IN ('und-x-icu', 'en_US.utf8') "
        "AND collencoding IN (-1, pg_char_to_encoding('UTF8')) ORDER BY 1 LIMIT 1"
    )
    return found[0][0] if found else '"default"'


def test_a_text_as_cursor_grows_by_its_bytes_whatever_the_collation(items):
    items.source(
        f"ALTER TABLE items ALTER code TYPE text COLLATE {linguistic(items)};"
        "INSERT INTO items (name, code) VALUES ('z', 'z')"
    )
    items.run(sales("code"))
    stage = items.plan(sales("code")).stages[0]
    assert """q."code"::text collate "C" >= 'z'::text""" in render(stage.fill)
    assert """max("code"::text collate "C")""" in render(stage.cursors)
    items.source("INSERT INTO items (name, code) VALUES ('é', 'é')")
    items.run(sales("code"))
    assert names(items) == {"z", "é"}


@pytest.mark.parametrize(
    ("type_", "beyond", "now"),
    [
        ("timestamptz", "2099-01-01", "now()"),
        ("timestamptz", "infinity", "now()"),
        ("timestamp", "2099-01-01", "now()"),
        ("timestamp", "infinity", "now()"),
        ("date", "2099-01-01", "current_date"),
        ("date", "infinity", "current_date"),
        ("numeric", "Infinity", "7"),
        ("numeric", "NaN", "7"),
    ],
)
def test_a_cursor_that_cannot_be_true_does_not_hide_what_comes_after(items, type_, beyond, now):
    items.source(
        f"ALTER TABLE items DROP at, ADD at {type_};"
        f"INSERT INTO items (name, at) VALUES ('from the future', '{beyond}')"
    )
    items.run(sales())
    items.source(f"INSERT INTO items (name, at) VALUES ('today', {now})")
    items.run(sales())
    assert names(items) == {"from the future", "today"}
    items.run(sales())
    assert read(items, sales()) == 52  # 50 without a cursor, the one of today, the one beyond


# --- rows without a cursor


@pytest.fixture
def some_null(items) -> Stars:
    items.source("UPDATE items SET at = NULL, name = 'no cursor ' || id WHERE id <= 3")
    return items


def test_rows_without_a_cursor_are_always_read_and_counted(some_null):
    mapping = sales({"column": "at", "null": "always"})
    for expected in ({"read": 50, "inserted": 50}, {"read": 4, "unchanged": 4}):
        report = some_null.run(mapping)
        assert counts(report, "sales") == expected
        assert entry_of(report, "sales").null_cursors == 3
    some_null.source("INSERT INTO items (name, at) VALUES ('another', NULL)")
    some_null.run(mapping)
    assert len(names(some_null)) == 4


def test_rows_without_a_cursor_are_never_read_but_counted(some_null):
    mapping = sales({"column": "at", "null": "never"})
    for expected in ({"read": 47, "inserted": 47}, {"read": 1, "unchanged": 1}):
        report = some_null.run(mapping)
        assert counts(report, "sales") == expected
        assert entry_of(report, "sales").null_cursors == 3
    assert names(some_null) == set()


def test_rows_without_a_cursor_fail_the_run(some_null):
    mapping = sales({"column": "at", "null": "fail"})
    with pytest.raises(
        CheckFailedError, match=r"\.yml:\d+:\d+: sales: 3 rows have no at, and the cursor says null"
    ):
        some_null.run(mapping)
    assert some_null.column("SELECT to_regclass('sales') IS NULL") == [True]
    some_null.source("UPDATE items SET at = now() WHERE at IS NULL")
    assert read(some_null, mapping) == 50


# --- when the watermark no longer holds


def test_a_restored_source_is_read_anew_and_brought_in_line(items):
    items.run(sales(load="upsert"))
    items.source("INSERT INTO items (name, at) VALUES ('before the watermark', '2020-01-01')")
    items.source("UPDATE items SET name = 'restored' WHERE id = 1")
    assert read(items, sales(load="upsert")) == 1
    who = (
        "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || (SELECT timeline_id FROM"
        " pg_control_checkpoint()) || '/' || oid FROM pg_database WHERE datname = current_database()"
    )
    assert items.warehouse("SELECT DISTINCT identity FROM engine.watermark") == items.source(who)
    items.warehouse("UPDATE engine.watermark SET identity = 'another cluster'")
    report = items.run(sales(load="upsert"))
    assert "sales: the source is another one, or was restored or failed over" in notices(report)
    assert names(items) == {"before the watermark", "restored"}
    assert notices(items.run(sales(load="upsert"))) == ""
    assert read(items, sales(load="upsert")) == 1


@pytest.mark.parametrize("cursor", ["id", "at"])
@pytest.mark.parametrize("load", ["append", "upsert"])
def test_a_source_that_was_restored_in_its_place_is_noticed(items, cursor, load):
    mapping = sales(cursor, load=load)
    items.source("CREATE TABLE backup AS TABLE items")
    items.run(mapping)
    items.source(
        "UPDATE items SET name = 'later' WHERE id = 9; INSERT INTO items (name) VALUES ('lost')"
    )
    items.run(mapping, full_refresh=True)
    items.run(mapping)
    items.source("TRUNCATE items RESTART IDENTITY; INSERT INTO items TABLE backup")
    report = items.run(mapping)
    assert counts(report, "sales") == {}
    assert "sales: the source has no row at or above the watermark any more" in notices(report)
    # In its new life it gives an id again, and a time that is no later.
    items.source("INSERT INTO items VALUES (51, 'new', 1, NULL, NULL, now() - interval '30 min')")
    report = items.run(mapping)
    assert "no row at or above the watermark: everything is read" in notices(report)
    assert entry_of(report, "sales").read == 51
    assert names(items) == {"new"}
    assert items.column("SELECT name FROM sales WHERE id = 9") == ["old 42"]
    report = items.run(mapping)
    assert notices(report) == ""
    assert counts(report, "sales") == {"read": 1, "unchanged": 1}


def test_a_watermark_that_the_source_has_is_no_sign_of_a_restore(some_null):
    """Nor is a row that has no cursor any, nor an entry of which nothing was read before."""
    mapping = sales({"column": "at", "null": "always"})
    some_null.run(mapping)
    assert notices(some_null.run(mapping)) == ""
    some_null.source("DELETE FROM items WHERE at = (SELECT max(at) FROM items)")
    assert "no row at or above the watermark" in notices(some_null.run(mapping))
    some_null.run(mapping)
    some_null.source("DELETE FROM items WHERE at IS NOT NULL")
    assert "no row at or above the watermark" in notices(some_null.run(mapping))
    told = "sales: the source had no row at or above the watermark: everything is read"
    assert notices(some_null.run(mapping)) == told, "and nothing of the rows that stay"
    assert notices(some_null.run(mapping)) == ""


@pytest.mark.parametrize("load", ["append", "upsert"])
def test_a_new_column_is_filled_for_all_rows_that_are_there(items, load):
    items.run(sales(load=load))
    wider = star(
        sales=fact(
            QUERY, {"id": None, "name": None, "double": "amount * 2"}, cursor="at", load=load
        )
    )
    report = items.run(wider)
    assert counts(report, "sales") == {"read": 50, "updated": 50}
    assert "sales: the definition has changed since the last run" in notices(report)
    assert items.column("SELECT DISTINCT double FROM sales") == [2]
    assert read(items, wider) == 1


def test_rows_that_stay_as_another_definition_made_them_are_counted(items):
    other = {"double": "amount * 2"}
    columns = {"id": None, "name": None}
    items.run(star(sales=fact(QUERY, columns | {"double": "amount"}, cursor="at", load="upsert")))
    changed = star(sales=fact(QUERY, columns | other, cursor="at", load="upsert"))
    items.source("DELETE FROM items WHERE id <= 3")
    report = items.run(changed)
    assert "sales: 3 rows were not loaded again, and stay as they were: the source" in notices(
        report
    )
    assert items.column("SELECT count(*) FROM sales WHERE double = 1") == [3]
    assert "not loaded again" not in notices(items.run(changed))
    assert "not loaded again" not in notices(items.run(changed, full_refresh=True))


def test_versions_that_stay_as_another_definition_made_them_are_counted_too(items):
    def items_of(name):
        columns = {"id": None, "name": {"expr": name, "scd": 2}}
        return star(dim_item=dimension(QUERY, columns, cursor="at", special_members=UNKNOWN))

    items.run(items_of("name"))
    items.source("DELETE FROM items WHERE id <= 3")
    assert "dim_item: 3 rows were not loaded again" in notices(items.run(items_of("upper(name)")))
    assert "not loaded again" not in notices(items.run(items_of("upper(name)")))


@pytest.mark.parametrize("loss", ["TRUNCATE sales", "DROP TABLE sales", "DELETE FROM sales"])
def test_a_table_that_was_emptied_is_loaded_again(items, loss):
    items.run(sales())
    items.warehouse(loss)
    report = items.run(sales())
    lost = "does not exist" if loss.startswith("DROP") else "is empty"
    assert f"sales: its table {lost}: everything is read" in notices(report)
    assert items.column("SELECT count(*) FROM sales") == [50]


def shop() -> Entry:
    """Return a star of a dimension and a fact that refers to it, both read by a cursor."""
    return star(
        dim_items=dimension(QUERY, cursor="at", special_members=UNKNOWN),
        sales=fact(
            QUERY,
            "id amount",
            cursor="at",
            lookups={"item_key": {"dimension": "dim_items", "on": "id"}},
        ),
    )


@pytest.mark.parametrize(
    "loss",
    # A special member is none (TRAPS 26).
    ["TRUNCATE dim_items", "DROP TABLE dim_items", "DELETE FROM dim_items WHERE key > 0"],
)
@pytest.mark.parametrize("alone", [True, False])
def test_facts_get_the_new_keys_of_a_dimension_that_was_made_anew(items, loss, alone):
    items.run(shop())
    items.warehouse(loss)
    items.source("DELETE FROM items WHERE id < 10")  # so that even a first key is another member's
    if alone:
        items.run(shop(), "dim_items")
    items.run(shop())
    assert items.warehouse(
        "SELECT count(*), count(*) FILTER (WHERE d.id IS DISTINCT FROM f.id) FROM sales AS f "
        "LEFT JOIN dim_items AS d ON d.key = f.item_key WHERE f.id >= 10"
    ) == [(41, 0)]


def test_a_changed_natural_key_lookup_reads_the_facts_again(items):
    items.run(shop())
    mapping = shop()
    mapping["facts"]["sales"]["lookups"]["item_key"]["on"] = "id + 1"
    report = items.run(mapping)
    assert counts(report, "sales") == {"read": 50, "updated": 50}
    assert items.column("SELECT count(*) FROM sales WHERE item_key = -1") == [1]


def test_progress_of_one_mapping_is_no_other_mappings(items):
    items.run(sales())
    other = {
        **sales(),
        "name": "other",
        "connections": {"warehouse": {"env": "WAREHOUSE", "schema": "o"}},
    }
    items.run(other)
    assert items.column("SELECT count(*) FROM o.sales") == [50]


def test_a_failed_run_moves_no_watermark(items):
    items.run(sales())
    marks = items.warehouse("SELECT * FROM engine.watermark")
    before = untouched(items)
    items.source("INSERT INTO items (name) VALUES ('new')")
    failing = sales(checks=[{"row_count": {"min": 1000}}])
    with pytest.raises(CheckFailedError):
        items.run(failing)
    assert items.warehouse("SELECT * FROM engine.watermark") == marks
    assert untouched(items) == before
    items.run(sales())
    assert names(items) == {"new"}


def test_the_row_that_wins_is_the_same_whether_read_alone_or_with_the_others(items):
    """The window holds only the row that loses; the others of its key are read with it."""
    query = "SELECT id % 10 AS nr, name, at FROM items"
    mapping = star(
        dim_items=dimension(query, "nr name", cursor="at", dedupe='name COLLATE "C" DESC')
    )
    items.run(mapping)
    before = items.warehouse("SELECT nr, name FROM dim_items ORDER BY 1")
    items.source("INSERT INTO items (id, name) VALUES (63, 'loser')")
    assert counts(items.run(mapping), "dim_items")["rejected"] >= 5
    assert items.warehouse("SELECT nr, name FROM dim_items ORDER BY 1") == before
    items.source("UPDATE items SET name = 'zzz', at = now() WHERE id = 63")
    items.run(mapping)
    assert items.column("SELECT name FROM dim_items WHERE nr = 3") == ["zzz"]


def test_a_source_that_ends_half_way_publishes_nothing(items):
    mapping = star(
        sales=fact("SELECT id, name, 1 / (40 - id) AS amount FROM items ORDER BY id", cursor="id")
    )
    with pytest.raises(RunError, match=r"sales\.source\.query: copy failed: division by zero"):
        items.run(mapping)
    assert items.column("SELECT to_regclass('sales') IS NULL") == [True]


def test_rows_of_two_sources_have_watermarks_of_their_own(items):
    mapping = star(
        sales=fact(QUERY, "id name", cursor="id"),
        crm=fact(QUERY, "id name", cursor="id", connection="crm"),
    )
    mapping["connections"] = {"crm": {"env": "CRM"}}
    other = replace(items.databases.source, database="source")
    environment = {"CRM_URL": other.url()}
    Stars(Databases(other, items.databases.warehouse), items.folder).source(
        ITEMS + "; DELETE FROM items WHERE id > 10"
    )
    try:
        items.run(mapping, environment=environment)
        assert items.column("SELECT count(*) FROM crm") == [10]
        marks = items.warehouse("SELECT entry, high FROM engine.watermark ORDER BY 1")
        assert marks == [("crm", "10"), ("sales", "50")]
    finally:
        Stars(Databases(other, items.databases.warehouse), items.folder).source("DROP TABLE items")
