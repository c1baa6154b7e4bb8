"""engine run --from --to: a range of a fact is brought in line with the source, and nothing else touched."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from engine.errors import CheckFailedError, MappingError
from engine.plan.span import Span
from engine.report import Report
from engine.run import Options, run
from tests.integration.stars import (
    UNKNOWN,
    Stars,
    counts,
    dimension,
    fact,
    notices,
    star,
    untouched,
)

JANUARY = Span(date(2026, 1, 1), date(2026, 2, 1))
QUERY = "SELECT id, user_id, at, amount, changed FROM sales"
OUTSIDE = (
    "SELECT ctid::text, xmin::text, t::text FROM fact_sale AS t WHERE at NOT BETWEEN {} ORDER BY 1"
)
IN_JANUARY = "'2026-01-01' AND '2026-01-31'"


def backfill(stars: Stars, mapping: object, span: Span = JANUARY, *select: str) -> Report:
    loaded = stars.load(mapping)
    return run(loaded, stars.settings(loaded, {}), Options(select, span=span))


def sales(stars, kind="date"):
    stars.source(
        f"CREATE TABLE sales (id int, user_id int, at {kind}, amount int, changed int); "
        "CREATE TABLE people (id int, name text, changed int); "
        "GRANT SELECT ON sales, people TO PUBLIC; "
        "INSERT INTO people VALUES (1, 'Ada', 1); "
        "INSERT INTO sales SELECT n, 1, date '2025-12-30' + n, n, n FROM generate_series(0, 40) AS n"
    )


def mapping(load="append", **more):
    query = "SELECT id, name, changed FROM people"
    return star(
        dim_user=dimension(query, cursor="changed", special_members=UNKNOWN),
        fact_sale=fact(
            QUERY,
            "id at amount",
            load=load,
            lookups={"user_key": {"dimension": "dim_user", "on": "user_id"}},
            **({"cursor": "changed"} if load != "replace" else {}),
            **more,
        ),
    )


def change(stars):
    """Change rows behind the cursor's back, in January and outside of it."""
    stars.source(
        "UPDATE sales SET amount = 100 WHERE id IN (0, 2, 5, 32, 33); "
        "DELETE FROM sales WHERE id IN (1, 3, 32, 34); "
        "INSERT INTO sales VALUES (50, 2, '2026-01-15', 50, 0), (51, 2, '2026-02-15', 51, 0); "
        "INSERT INTO people VALUES (2, 'Bob', 2)"
    )


@pytest.mark.parametrize("load", ["append", "upsert", "replace"])
@pytest.mark.parametrize("partition", [None, {"by": "at", "every": "month"}])
def test_the_range_equals_the_source_and_the_rest_is_untouched(stars, load, partition):
    sales(stars)
    wanted = mapping(load, **({"partition": partition} if partition else {}))
    wanted["facts"]["fact_sale"]["source"] |= {} if partition else {"range": "at"}
    stars.run(wanted)
    marks = "SELECT * FROM engine.watermark WHERE entry = 'fact_sale' ORDER BY moment"
    before, watermarks = stars.warehouse(OUTSIDE.format(IN_JANUARY)), stars.warehouse(marks)
    change(stars)
    report = backfill(stars, wanted)
    # id 2 is the first of January, and id 32 the last.
    found = {"read": 30, "inserted": 1, "updated": 2, "unchanged": 27, "deleted": 2}
    assert counts(report, "fact_sale") == found
    assert counts(report, "dim_user")["inserted"] == 1
    assert "is brought in line from 2026-01-01 to 2026-02-01 alone" in notices(report)
    inside = "SELECT id, amount FROM fact_sale WHERE at BETWEEN '2026-01-01' AND '2026-01-31' ORDER BY id"
    there = (
        "SELECT id, amount FROM sales WHERE at BETWEEN '2026-01-01' AND '2026-01-31' ORDER BY id"
    )
    assert stars.warehouse(inside) == stars.source(there)
    named = (
        "SELECT d.name FROM fact_sale AS f JOIN dim_user AS d ON d.key = user_key WHERE f.id = 50"
    )
    assert stars.column(named) == ["Bob"]
    assert stars.warehouse(OUTSIDE.format(IN_JANUARY)) == before
    assert stars.warehouse(marks) == watermarks
    again = untouched(stars)
    assert counts(backfill(stars, wanted), "fact_sale") == {"read": 30, "unchanged": 30}
    assert untouched(stars) == again
    if load == "upsert":
        # The cursor goes on where it was: what it saw last, and nothing of the range.
        stars.source("INSERT INTO sales VALUES (60, 1, '2026-01-15', 60, 60)")
        assert counts(stars.run(wanted), "fact_sale")["inserted"] == 1


def test_what_is_gone_from_the_range_is_flagged_where_the_mapping_flags_it(stars):
    sales(stars)
    wanted = mapping("upsert", checks=[{"not_null": "amount", "on_failure": "reject"}])
    wanted["facts"]["fact_sale"]["source"] |= {"range": "at", "deletes": "flag"}
    stars.run(wanted)
    before = stars.warehouse(OUTSIDE.format(IN_JANUARY))
    change(stars)
    stars.source("UPDATE sales SET amount = NULL WHERE id = 9")  # rejected, but there
    found = {"read": 30, "inserted": 1, "updated": 2, "unchanged": 26, "rejected": 1, "deleted": 2}
    assert counts(backfill(stars, wanted), "fact_sale") == found
    gone = "SELECT id FROM fact_sale WHERE is_deleted AND deleted_at IS NOT NULL ORDER BY id"
    assert stars.column(gone) == [3, 32]
    assert stars.warehouse(OUTSIDE.format(IN_JANUARY)) == before
    again = untouched(stars)
    assert "deleted" not in counts(backfill(stars, wanted), "fact_sale")
    assert untouched(stars)["fact_sale"] == again["fact_sale"]
    stars.source(
        "INSERT INTO sales VALUES (3, 1, '2026-01-02', NULL, 0)"
    )  # rejected, but there again
    backfill(stars, wanted)
    assert stars.column(gone) == [32]


def test_a_backfill_flags_no_more_than_it_may_and_nothing_of_a_range_that_is_empty(stars):
    sales(stars)
    wanted = mapping("upsert")
    wanted["facts"]["fact_sale"]["source"] |= {
        "range": "at",
        "deletes": {"policy": "flag", "max": 3},
    }
    stars.run(wanted)
    before = untouched(stars)
    stars.source("DELETE FROM sales WHERE id IN (3, 4, 5, 6)")
    with pytest.raises(CheckFailedError, match="4 of 31 rows are gone from the source"):
        backfill(stars, wanted)
    stars.source("DELETE FROM sales WHERE at BETWEEN '2026-01-01' AND '2026-01-31'")
    said = "would flag them; if that is right, run: UPDATE .* SET is_deleted = true"
    with pytest.raises(CheckFailedError, match=said):
        backfill(stars, wanted)
    assert untouched(stars) == before


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz(3)"])
def test_a_fact_with_the_key_of_a_day_is_chosen_by_its_calendar(stars, kind):
    sales(stars, kind)
    stars.source("UPDATE sales SET at = at + interval '23:59:59.999'")
    wanted = star(
        dim_day={"calendar": {"from": "2025-01-01", "to": "2026-12-31"}, "key": "day_key",
                 "special_members": UNKNOWN},
        fact_sale=fact(
            QUERY, "id amount", cursor="changed",
            lookups={"day_key": {"dimension": "dim_day", "on": "at"}},
        ),
    )  # fmt: skip
    wanted["facts"]["fact_sale"]["source"]["range"] = "at"
    # A first run may be a backfill; everything else comes with the next one.
    assert counts(backfill(stars, wanted), "fact_sale") == {"read": 31, "inserted": 31}
    assert counts(stars.run(wanted), "fact_sale") == {"read": 41, "inserted": 10, "unchanged": 31}
    change(stars)
    found = counts(backfill(stars, wanted), "fact_sale")
    assert found == {"read": 30, "inserted": 1, "updated": 2, "unchanged": 27, "deleted": 2}
    assert stars.column("SELECT count(*) FROM fact_sale") == [40]


def test_what_an_ordinary_run_has_to_read_again_it_reads_after_a_backfill_too(stars):
    sales(stars)
    wanted = mapping("upsert", partition={"by": "at", "every": "year"})
    stars.run(wanted)
    stars.warehouse("DELETE FROM dim_user")
    backfill(stars, wanted)
    assert counts(stars.run(wanted), "fact_sale")["read"] == 41
    orphans = "SELECT count(*) FROM fact_sale WHERE user_key NOT IN (SELECT key FROM dim_user)"
    assert stars.column(orphans) == [0]


def test_duplicates_are_decided_among_all_rows_of_a_key_and_a_row_that_moved_in_is_there_once(
    stars,
):
    sales(stars)
    wanted = mapping("upsert", partition={"by": "at", "every": "month"}, dedupe="changed DESC")
    stars.run(wanted)
    stars.source(
        "INSERT INTO sales VALUES (2, 1, '2026-03-03', 7, 99); "  # newer, out of the range
        "UPDATE sales SET at = '2026-01-10' WHERE id = 40"  # moved in
    )
    found = counts(backfill(stars, wanted), "fact_sale")
    assert found == {"read": 33, "unchanged": 30, "updated": 2, "rejected": 1}
    rows = "SELECT id, at::text FROM fact_sale WHERE id IN (2, 40) ORDER BY id"
    assert stars.warehouse(rows) == [(2, "2026-03-03"), (40, "2026-01-10")]


def test_a_range_that_is_empty_in_the_source_is_not_emptied_in_the_star(stars):
    sales(stars)
    wanted = mapping("upsert", partition={"by": "at", "every": "month"})
    stars.run(wanted)
    stars.source("DELETE FROM sales WHERE at >= '2026-01-01'")
    with pytest.raises(CheckFailedError) as raised:
        backfill(stars, wanted)
    statement = str(raised.value).partition("run: ")[2]
    assert statement == (
        """DELETE FROM public.fact_sale WHERE "at" >= '2026-01-01' AND "at" < '2026-02-01';"""
    )
    stars.warehouse(statement)
    assert counts(backfill(stars, wanted), "fact_sale") == {}


def test_facts_that_cannot_be_chosen_by_a_date_are_refused(stars):
    sales(stars)
    stars.source(
        "CREATE VIEW days AS SELECT id, at::text, amount FROM sales; GRANT SELECT ON days TO PUBLIC"
    )
    texts = fact("SELECT * FROM days", "id at amount")
    texts["source"]["range"] = "at"
    two = star(fact_none=fact("SELECT id, amount FROM sales"), fact_text=texts)
    with pytest.raises(MappingError) as raised:
        backfill(stars, two)
    assert [problem.what for problem in raised.value.problems] == [
        "the fact has no date by which --from and --to could choose rows",
        "'at', by which --from and --to would choose rows, is text",
    ]
    # Whether anybody asks for days now or not, the mapping says that it can be asked.
    with pytest.raises(
        MappingError, match="'at', by which --from and --to would choose rows, is text"
    ):
        stars.plan(star(fact_text=texts))
    good = mapping()
    good["facts"] |= two["facts"]
    good["facts"]["fact_sale"]["source"]["range"] = "at"
    report = backfill(stars, good, JANUARY, "fact_sale")
    assert [entry.name for entry in report.entries] == ["dim_user", "fact_sale"]


def test_a_date_that_the_fact_rounds_is_refused(stars):
    """The last half second of January is February's there: its backfill would delete what it never read."""
    sales(stars, "timestamp")
    rounded = mapping(load="upsert", partition={"by": "at", "every": "month"})
    columns = rounded["facts"]["fact_sale"]["columns"]
    columns["at"] = {"type": "timestamp(0)"}
    stars.source(
        "DELETE FROM sales WHERE id > 32; UPDATE sales SET at = at + interval '23:59:59.7'"
    )
    stars.run(rounded)
    told = (
        r"'at', by which --from and --to would choose rows, is timestamp\(0\) without time zone in"
    )
    with pytest.raises(MappingError, match=rf"fact_sale.partition.by: {told}"):
        backfill(stars, rounded)
    rounded["facts"]["fact_sale"]["source"]["range"] = "at"
    with pytest.raises(MappingError, match=rf"fact_sale.source.range: {told}"):
        stars.plan(rounded)


def test_the_command_line_takes_days_that_make_a_range(stars):
    sales(stars)
    path = stars.write(mapping(partition={"by": "at", "every": "month"}))
    for words, message in (
        (["--from", "2026-01-01"], "--from and --to belong together"),
        (
            ["--from", "2026-01-01", "--to", "2026-01-01"],
            "--from 2026-01-01 is not before --to 2026-01-01",
        ),
        (
            ["--from", "January", "--to", "2026-01-01"],
            "--from takes a day such as 2026-01-31, not 'January'",
        ),
        (["--from", "2026-01-01", "--to", "2026-02-01", "--full-refresh"], "drop one of them"),
        (
            ["--from", "2026-01-01", "--to", "2026-02-01", "--select", "dim_*"],
            "--from and --to are for facts, and --select dim_* names none",
        ),
    ):
        done = stars.engine("run", path, *words)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    days = ("--from", "2026-01-01", "--to", "2026-02-01")
    shown = stars.engine("plan", path, *days).stdout
    assert "fact_sale: copy where at >= 2026-01-01 and < 2026-02-01" in shown
    assert "dim_user: copy everything" in shown
    done = stars.engine("run", path, *days, "--report", "json")
    assert done.returncode == 0, done.stderr
    assert stars.column("SELECT count(*) FROM fact_sale") == [31]


PLACES = ("absent", None, "2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01", "infinity")


def test_every_change_of_a_row_at_every_border_of_the_range(stars):
    """Each row is somewhere, or nowhere, before and after, and its amount changes or not: all at once."""
    stars.source(
        "CREATE TABLE sales (id int, at date, amount int); GRANT SELECT ON sales TO PUBLIC"
    )
    changes = enumerate(itertools.product(PLACES, PLACES, (1, 2)))
    rows = [(number, *change) for number, change in changes]
    wanted = star(fact_sale=fact("SELECT id, at, amount FROM sales", "id at amount", range="at"))
    insert(stars, [(number, before, 1) for number, before, _, _ in rows])
    stars.run(wanted)
    stars.source("TRUNCATE sales")
    insert(stars, [(number, after, amount) for number, _, after, amount in rows])
    report = backfill(stars, wanted)

    expected = set()
    for number, before, after, amount in rows:
        if after in ("2026-01-01", "2026-01-31"):
            expected.add((number, after, amount))
        elif before not in ("absent", "2026-01-01", "2026-01-31"):
            expected.add((number, before, 1))
    assert set(stars.warehouse("SELECT id, at::text, amount FROM fact_sale")) == expected
    found = counts(report, "fact_sale")
    assert found["read"] == 2 * 7 * 2
    # From nowhere into the range; there as it was; and in the range before, and no more.
    assert (found["inserted"], found["unchanged"], found["deleted"]) == (4, 2, 2 * 5 * 2)


def insert(stars, rows):
    values = [
        f"({number}, {f'{chr(39)}{at}{chr(39)}' if at else 'NULL'}::date, {amount})"
        for number, at, amount in rows
        if at != "absent"
    ]
    stars.source(f"INSERT INTO sales VALUES {', '.join(values)}")


@pytest.mark.parametrize("kept", ["column", "calendar"])
def test_names_that_need_quotes_are_understood_by_every_word(stars, kept):
    """Words that name a column take its bare name, expressions the quotes that SQL wants."""
    sales(stars)
    source = 'SELECT id AS "Weird Id", user_id AS "The User", at AS "My Day", changed AS "V 2" FROM sales'
    people = 'SELECT id AS "The User", name AS "His Name", changed AS "V 2" FROM people'
    lookup = {"dimension": "dim_user", "on": '"The User"', "as_of": ' "My Day"'}
    day = {"dimension": "dim_date", "on": {"date": '"My Day" '}, "missing": "fail"}
    sale = fact(
        source,
        {"Weird Id": None, **({"My Day": None} if kept == "column" else {})},
        load="upsert",
        lookups={"user_key": lookup, **({"day_key": day} if kept == "calendar" else {})},
        cursor="V 2",
        dedupe='"V 2" desc',
        range="My Day",
    )
    user = dimension(
        people,
        {"The User": None, "His Name": {"scd": 2}},
        cursor="V 2",
        history={"effective": "'2026-01-10'::date + \"V 2\" - 1"},
        special_members=UNKNOWN,
    )
    calendar = {"calendar": {"from": "2025-01-01", "to": "2026-12-31"}, "key": "day_key"}
    mapping = star(dim_date=calendar, dim_user=user, fact_sale=sale)
    stars.run(mapping)
    stars.source("UPDATE people SET name = 'Ada L.', changed = 11; DELETE FROM sales WHERE id = 5")
    assert counts(stars.run(mapping), "dim_user")["repointed"] == 20
    assert counts(backfill(stars, mapping), "fact_sale")["deleted"] == 1
