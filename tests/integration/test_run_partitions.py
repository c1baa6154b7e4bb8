"""Partitions of facts: made before their rows, ahead and for old ones; dropped when they are too old."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.errors import CheckFailedError, MappingError, RunError
from engine.plan.periods import following, label, start
from tests.integration.stars import counts, fact, notices, star, untouched

QUERY = "SELECT id, at, amount FROM sales"
COLUMNS = "id at amount"


def sales(stars, kind="date"):
    stars.source(
        f"CREATE TABLE sales (id int, at {kind}, amount numeric(10,2)); "
        "GRANT SELECT ON sales TO PUBLIC"
    )


def mapping(name="fact_sale", **partition):
    entry = fact(QUERY, COLUMNS, load="upsert", partition={"by": "at", **partition})
    return star(**{name: entry})


def partitions(stars, name="fact_sale"):
    return stars.column(
        "SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid "
        f"WHERE inhparent = 'public.\"{name}\"'::regclass ORDER BY 1"
    )


def today():
    return datetime.now(UTC).date()


def test_partitions_are_there_for_all_that_comes_and_rows_move_between_them(stars):
    sales(stars)
    stars.source(
        "INSERT INTO sales VALUES (1, '2020-02-29', 1), (2, '2020-03-01', 2), (3, 'today', 3)"
    )
    monthly = mapping(every="month", ahead=2)
    assert counts(stars.run(monthly), "fact_sale") == {"read": 3, "inserted": 3}
    first = start(today(), "month")
    here = [f"fact_sale_p{label(following(first, 'month', n), 'month')}" for n in range(3)]
    assert partitions(stars) == ["fact_sale_p202002", "fact_sale_p202003", *here]
    where = "SELECT tableoid::regclass::text FROM fact_sale ORDER BY id"
    assert stars.column(where) == ["fact_sale_p202002", "fact_sale_p202003", here[0]]
    keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'fact_sale_pkey'"
    assert stars.column(keys) == ["PRIMARY KEY (id, at)"]

    before = untouched(stars)
    assert counts(stars.run(monthly), "fact_sale") == {"read": 3, "unchanged": 3}
    assert untouched(stars) == before

    # One goes into a partition that is there, one into a new one, and one stays: none is there twice.
    stars.source("UPDATE sales SET at = '2020-03-31' WHERE id = 1")
    stars.source("UPDATE sales SET at = '1999-12-31', amount = 9 WHERE id = 2")
    stars.source("INSERT INTO sales VALUES (4, '0001-01-01', 4), (5, '9998-12-31', 5)")
    found = counts(stars.run(monthly), "fact_sale")
    assert found == {"read": 5, "updated": 2, "inserted": 2, "unchanged": 1}
    assert stars.column(where) == [
        *("fact_sale_p202003", "fact_sale_p199912", here[0]),
        *("fact_sale_p000101", "fact_sale_p999812"),
    ]
    stars.source("INSERT INTO sales VALUES (3, '2021-01-01', 3)")
    with pytest.raises(CheckFailedError, match="the grain is not unique: 1 key has several rows"):
        stars.run(monthly)
    assert "fact_sale_p202101" not in partitions(stars)


def test_what_is_too_old_is_dropped_and_not_loaded_again_and_both_are_told(stars):
    sales(stars)
    stars.source(
        "INSERT INTO sales SELECT n, current_date - 15 * n, n FROM generate_series(0, 9) AS n"
    )
    stars.run(mapping(every="day", ahead=0))
    assert len(partitions(stars)) == 10
    kept = mapping(every="day", ahead=0, keep="60 days")
    stars.source(
        "INSERT INTO sales VALUES (20, NULL, 1), (21, 'infinity', 1), (22, '-infinity', 1), "
        "(23, '0044-03-15 BC', 1), (24, '9999-01-01', 1)"
    )
    planned = [step.called for step in stars.plan(kept).load]
    gone = [f"drop partition {name}" for name in partitions(stars)[:5]]
    assert [name for name in planned if name.startswith("drop")] == gone
    report = stars.run(kept)
    assert counts(report, "fact_sale") == {"read": 15, "unchanged": 5, "deleted": 5, "rejected": 10}
    said = notices(report)
    # -infinity and 44 BC are older than anything, too.
    assert "7 rows are older than what partition.keep keeps, and were not loaded" in said
    assert said.count("with 1 row was dropped") == 5
    assert stars.column("SELECT id FROM fact_sale ORDER BY 1") == [0, 1, 2, 3, 4]
    assert sorted(stars.column("SELECT (row->>'id')::int FROM engine.reject")) == [20, 21, 24]
    before = untouched(stars)
    again = stars.run(kept)
    assert counts(again, "fact_sale") == {"read": 15, "unchanged": 5, "rejected": 10}
    assert untouched(stars) == before

    # What is kept for longer is read again.
    longer = stars.run(mapping(every="day", ahead=0, keep="3 months"))
    assert counts(longer, "fact_sale")["inserted"] >= 1
    assert 5 in stars.column("SELECT id FROM fact_sale")


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz(3)"])
def test_times_are_told_apart_by_the_days_of_utc(stars, kind):
    sales(stars, kind)
    stars.source(
        "SET timezone = 'America/New_York'; INSERT INTO sales VALUES "
        "(1, '2026-01-04 23:59:59.999Z', 1), (2, '2026-01-05 00:00Z', 2), (3, '2026-01-11 23:59:59Z', 3)"
    )
    name = 'Weird "fact" %, ' + "so long that nothing more fits into a name"
    weekly = mapping(name, every="week", ahead=0)
    stars.run(weekly)
    parts = stars.warehouse(
        "SELECT c.relname, (SELECT array_agg(id ORDER BY id) FROM "
        f'"{name.replace(chr(34), chr(34) * 2)}" AS t WHERE t.tableoid = c.oid) '
        "FROM pg_class AS c WHERE relispartition AND relkind = 'r' ORDER BY 1"
    )
    assert [ids for _, ids in parts if ids] == [[1], [2, 3]]
    assert [n.rpartition("_p")[2] for n, ids in parts if ids] == ["20251229", "20260105"]
    assert counts(stars.run(weekly), name) == {"read": 3, "unchanged": 3}


def test_a_date_in_the_grain_is_a_key_that_the_database_proves(stars):
    sales(stars)
    stars.source("INSERT INTO sales VALUES (1, '2026-01-01', 1), (1, '2026-02-01', 2)")
    entry = fact(QUERY, COLUMNS, grain=["at", "id"], partition={"by": "at", "every": "year"})
    assert counts(stars.run(star(fact_sale=entry)), "fact_sale")["inserted"] == 2
    stars.source("INSERT INTO sales VALUES (2, '2026-02-01', 2)")
    assert counts(stars.run(star(fact_sale=entry)), "fact_sale") == {
        "read": 3,
        "unchanged": 2,
        "inserted": 1,
    }
    keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'fact_sale_pkey'"
    assert stars.column(keys) == ["PRIMARY KEY (at, id)"]


def refused(stars, wanted):
    with pytest.raises(MappingError) as raised:
        stars.plan(wanted)
    (problem,) = raised.value.problems
    return str(problem)


def test_a_row_without_a_partition_is_told_where_the_mapping_no_longer_makes_them(stars):
    sales(stars)
    stars.source("INSERT INTO sales VALUES (1, '2026-01-01', 1)")
    entry = fact(QUERY, COLUMNS, grain=["at", "id"])
    stars.run(star(fact_sale={**entry, "partition": {"by": "at", "every": "year", "ahead": 0}}))
    plain = star(fact_sale=entry)
    assert counts(stars.run(plain), "fact_sale") == {"read": 1, "unchanged": 1}
    stars.source("INSERT INTO sales VALUES (2, '1990-02-01', 2)")
    with pytest.raises(RunError, match=r"\(at\) = \(1990-02-01\)\. runs make the partitions"):
        stars.run(plain)


def test_what_cannot_be_partitioned_is_refused_with_what_to_do(stars):
    sales(stars)
    stars.source("INSERT INTO sales VALUES (1, '2026-01-05', 1)")
    wrong = refused(stars, mapping(every="day") | mapping(every="day", by="amount"))
    assert "facts.fact_sale.partition.by: 'amount' is numeric(10,2) (possible: date, " in wrong
    stars.run(star(fact_sale=fact(QUERY, COLUMNS)))
    assert (
        "table public.fact_sale is not partitioned, and no table can be partitioned by at afterwards "
        "(run: ALTER TABLE public.fact_sale RENAME TO fact_sale_before; the next run"
    ) in refused(stars, mapping(every="day"))
    stars.warehouse("ALTER TABLE fact_sale RENAME TO fact_sale_before")
    stars.run(mapping(every="month", ahead=0))
    assert (
        "partition fact_sale_p202601 of table public.fact_sale is from 2026-01-01 to 2026-02-01, not of "
        "whole years (days can follow all other periods, months can follow years, and weeks neither; put "
        "the former every: back, or run: ALTER TABLE public.fact_sale RENAME TO fact_sale_before; the next"
    ) in refused(stars, mapping(every="year"))
    stars.source("INSERT INTO sales VALUES (2, '2026-01-31', 1), (3, '2026-02-03', 1)")
    stars.run(mapping(every="day", ahead=0))
    assert "fact_sale_p20260203" in partitions(stars)
    assert "fact_sale_p20260131" not in partitions(stars)
    said = notices(stars.run(star(fact_sale=fact(QUERY, COLUMNS, grain=["id", "at"]))))
    assert "its table is partitioned by at, and the mapping has no partition" in said
    plain = star(fact_sale=fact(QUERY, COLUMNS))
    assert (
        "facts.fact_sale: table public.fact_sale is partitioned by at, which its primary key has to have, "
        "and the mapping has no partition: its key would be (id) (put partition: back; or run: ALTER TABLE"
    ) in refused(stars, plain)
    stars.warehouse("ALTER TABLE public.fact_sale RENAME TO fact_sale_old")
    assert counts(stars.run(plain), "fact_sale")["inserted"] == 3
    stars.warehouse(
        "DROP TABLE fact_sale; CREATE TABLE public.fact_sale (id int, at date) PARTITION BY RANGE (id)"
    )
    assert "table public.fact_sale is partitioned by id, and" in refused(
        stars, mapping(every="day")
    )


def test_plan_and_ddl_show_them(stars):
    sales(stars)
    path = stars.write(mapping(every="year", ahead=1, keep="5 years"))
    printed = stars.engine("ddl", path).stdout
    year = today().year
    assert ') partition by range ("at");' in printed
    assert (
        f'create table "public"."fact_sale_p{year + 1}" partition of "public"."fact_sale"'
        in printed
    )
    shown = stars.engine("plan", path).stdout
    assert (
        f"fact_sale: create partition fact_sale_p{year} from {year}-01-01 to {year + 1}-01-01"
        in shown
    )
    assert (
        f"fact_sale: reject expired (older than {year - 5}-01-01, from which on rows are kept)"
        in shown
    )
    done = stars.engine("run", path)
    assert done.returncode == 0, done.stderr
