"""Checks are proved before the commit: what they count, what they stop, what they put into quarantine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from engine.errors import CheckFailedError, RunError
from tests.integration.stars import (
    UNKNOWN,
    Entry,
    Stars,
    counts,
    dimension,
    fact,
    star,
    untouched,
    verdicts,
)

SALES = """
CREATE TABLE sales (id int, name text, amount numeric, status text, day date, at timestamptz);
INSERT INTO sales SELECT n, 'n' || n, n, 'new', date '2024-01-01' + n, now() - interval '1 h' * n
FROM generate_series(1, 100) AS n
"""
QUERY = "SELECT * FROM sales"
COLUMNS = "id name amount status day at"


@pytest.fixture
def shop(stars) -> Stars:
    stars.source(SALES)
    return stars


SHOW_CURSOR = "\x1b[?25h"  # what a display ends with


def on_a_terminal(stars: Stars, *arguments: object) -> str:
    """Run the command line on a terminal; return what its standard error shows."""
    ours, theirs = os.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        env=stars.environment({"TERM": "xterm", "LOG_FORMAT": "text"}),
        cwd=stars.folder,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal, suppress(OSError):  # EIO: nobody writes
        while part := terminal.read(1024):
            seen += part
    assert running.wait() == 3
    return seen.decode()


def checked(*checks: Entry, **more: object) -> Entry:
    return star(sales=fact(QUERY, COLUMNS, load="upsert", checks=list(checks), **more))


# A check, how to break it in the source, how often it is broken then, out of how many, and its name.
BREAKS = [
    (
        {"not_null": "name"},
        "UPDATE sales SET name = NULL WHERE id <= 3",
        (3, 100),
        "not_null name",
    ),
    (
        {"unique": "name"},
        "UPDATE sales SET name = 'same' WHERE id <= 3",
        (3, 100),
        "unique name",
    ),
    (
        {"unique": ["name", "status"]},
        "UPDATE sales SET name = 'same' WHERE id <= 3",
        (3, 100),
        "unique name, status",
    ),
    (
        {"accepted": {"status": ["new", "it's paid"]}},
        "UPDATE sales SET status = CASE id WHEN 1 THEN 'it''s paid' WHEN 2 THEN NULL ELSE 'old' END "
        "WHERE id <= 4",
        (2, 100),
        "accepted status",
    ),
    (
        {"range": {"amount": {"min": 1}}},
        "UPDATE sales SET amount = CASE id WHEN 1 THEN NULL ELSE 0.99 END WHERE id <= 4",
        (3, 100),
        "range amount",
    ),
    (
        {"range": {"amount": {"max": 100}}},
        "UPDATE sales SET amount = 'NaN' WHERE id = 1",
        (1, 100),
        "range amount",
    ),
    (
        {"range": {"amount": {"min": 0}}},
        "UPDATE sales SET amount = CASE id WHEN 1 THEN 'Infinity'::numeric ELSE 'NaN' END WHERE id <= 3",
        (2, 100),
        "range amount",
    ),
    (
        {"range": {"amount": {"min": "-Infinity"}}},
        "UPDATE sales SET amount = CASE id WHEN 1 THEN '-Infinity'::numeric ELSE 'NaN' END WHERE id <= 3",
        (2, 100),
        "range amount",
    ),
    (
        {"range": {"day": {"min": "2024-01-02", "max": "2024-04-10"}}},
        "UPDATE sales SET day = day - 1000 * (id - 2) WHERE id <= 3",
        (2, 100),
        "range day",
    ),
    ({"row_count": {"min": 100}}, "DELETE FROM sales WHERE id = 1", (1, 99), "row_count"),
    ({"row_count": {"max": 100}}, "INSERT INTO sales (id) VALUES (0)", (1, 101), "row_count"),
    (
        {"freshness": {"at": "2h"}},
        "UPDATE sales SET at = at - interval '2 h'",
        (1, 100),
        "freshness at",
    ),
    ({"freshness": {"at": "2h"}}, "UPDATE sales SET at = NULL", (1, 100), "freshness at"),
    (
        {"freshness": {"day": "2h"}},
        "UPDATE sales SET day = '2024-01-01'",
        (1, 100),
        "freshness day",
    ),
    (
        {"sql": "SELECT id FROM {{ this }} WHERE amount > 90 -- too much", "name": "not too dear"},
        "UPDATE sales SET amount = amount + 5",
        (5, 0),
        "not too dear",
    ),
]
# Not in a table that has the row already.
CASES = [
    (*case, first)
    for case in BREAKS
    for first in (True, False)
    if first or not case[1].startswith("DELETE")
]


def holds(shop: Stars, check: Entry) -> None:
    """Bring the source into a state in which a check holds."""
    if "sql" in check:
        shop.source("UPDATE sales SET amount = amount - 10")
    if "freshness" in check:
        shop.source("UPDATE sales SET day = current_date + 1 WHERE id = 1")


@pytest.mark.parametrize(("check", "break_it", "found", "name", "first"), CASES)
def test_a_check_passes_warns_or_stops_the_run(shop, check, break_it, found, name, first):
    holds(shop, check)
    if not first:
        report = shop.run(checked(check))
        assert verdicts(report) == {name: ("pass", 0)}
        before = untouched(shop)
    shop.source(break_it)
    with pytest.raises(CheckFailedError) as error:
        shop.run(checked(check))
    assert "nothing was published" in str(error.value)
    broken = "" if {*check} & {"row_count", "freshness"} else f"{found[0]}"
    assert f"sales: check '{name}' fails: {broken}" in str(error.value)
    if first:
        assert shop.column("SELECT to_regclass('sales') IS NULL") == [True]
    else:
        assert untouched(shop) == before
    report = shop.run(checked({**check, "severity": "warn"}))
    assert verdicts(report) == {name: ("warn", found[0])}
    assert [check.total for check in report.checks] == [found[1]]
    assert shop.column("SELECT count(*) FROM sales") == [found[1] or 100]


@pytest.mark.parametrize(
    ("check", "change", "said"),
    [
        ({"row_count": {"min": 1001}}, "id = id", "100 rows, at least 1,001 are wanted"),
        ({"row_count": {"max": 99}}, "id = id", "100 rows, at most 99 are wanted"),
        ({"row_count": {"min": 5, "max": 10}}, "id = id", "100 rows, 5 to 10 are wanted"),
        (
            {"freshness": {"day": "1d"}},
            "day = '2024-01-10'",
            "newest day is 2024-01-10, more than 1 d old",
        ),
        (
            {"freshness": {"at": "36h"}},
            "at = '2024-01-10'",
            "newest at is 2024-01-10 00:00:00+00, more than 36 h old",
        ),
        (
            {"freshness": {"at": "2h"}},
            "at = NULL",
            "no row has any at, one of the last 2 h is wanted",
        ),
    ],
)
def test_where_no_row_is_at_fault_it_is_said_what_was_found(shop, check, change, said):
    shop.source(f"UPDATE sales SET {change}")
    with pytest.raises(CheckFailedError) as error:
        shop.run(checked(check))
    line = str(error.value).splitlines()[0]
    assert line.endswith(f" fails: {said}")
    path = shop.write(checked({**check, "severity": "warn"}))
    done = shop.engine("run", path)
    assert f" warns: {said}\n" in done.stdout
    done = shop.engine("run", path, "--report", "json")
    assert [each["found"] for each in json.loads(done.stdout)["checks"]] == [said]


@pytest.mark.parametrize(
    ("most", "status"),
    [(2, "fail"), (3, "pass"), ("2%", "fail"), ("2.99%", "fail"), ("3%", "pass")],
)
@pytest.mark.parametrize(
    "check",
    [
        {"not_null": "name"},
        {"unique": "status"},
        {"sql": "SELECT * FROM {{ this }} WHERE name IS NULL", "name": "all have names"},
    ],
)
def test_a_check_tolerates_so_many_rows_or_so_many_of_a_hundred(shop, check, most, status):
    shop.source(
        "UPDATE sales SET name = NULL WHERE id <= 3; UPDATE sales SET status = 's' || id WHERE id > 3"
    )
    mapping = checked({**check, "max": most})
    if status == "pass":
        assert {v for v, _ in verdicts(shop.run(mapping)).values()} == {"pass"}
    else:
        with pytest.raises(CheckFailedError, match="fails: 3"):
            shop.run(mapping)
        mapping = checked({**check, "max": most, "severity": "warn"})
        assert {v for v, _ in verdicts(shop.run(mapping)).values()} == {"warn"}


def test_all_that_fails_is_said_at_once_with_its_place(shop):
    mapping = checked(
        {"not_null": ["name", "status"]},
        {"range": {"amount": {"max": 50}}},
        {"row_count": {"max": 10}, "severity": "warn"},
        {"accepted": {"status": ["old"]}},
    )
    with pytest.raises(CheckFailedError) as error:
        shop.run(mapping)
    text = shop.write(mapping).read_text().split("\n")
    path = shop.write(mapping)
    spots = [n for n, line in enumerate(text, 1) if line.startswith("    - ")]
    assert str(error.value).split("\n") == [
        f"{path}:{spots[1]}:7: sales: check 'range amount' fails: 50 of 100 rows break it",
        f"{path}:{spots[3]}:7: sales: check 'accepted status' fails: 100 of 100 rows break it",
        "nothing was published",
    ]


def test_the_checks_of_an_increment_look_at_its_rows_and_at_those_they_meet(shop):
    mapping = checked({"unique": "name"}, {"not_null": "name"}, cursor="id")
    shop.run(mapping)
    shop.source("INSERT INTO sales (id, name) VALUES (101, 'n7')")
    with pytest.raises(CheckFailedError, match="check 'unique name' fails: 2 of"):
        shop.run(mapping)
    shop.source("UPDATE sales SET name = NULL WHERE id = 101")
    with pytest.raises(CheckFailedError, match="check 'not_null name' fails: 1 of 2 rows"):
        shop.run(mapping)
    shop.source("UPDATE sales SET name = 'n101' WHERE id = 101")
    assert {v for v, _ in verdicts(shop.run(mapping)).values()} == {"pass"}


def test_what_is_the_only_one_is_not_looked_for_again_where_no_row_was_written(shop):
    """The search reads the whole table: a run with nothing to do must not grow with it."""
    mapping = checked({"unique": "name"}, cursor="id")

    def looked() -> bool:
        report = shop.run(mapping)
        assert verdicts(report)["unique name"][0] == "pass"
        return any(step.title == "check unique name" for step in report.steps)

    assert looked()
    assert not looked()
    shop.source("INSERT INTO sales (id, name) VALUES (101, 'n101')")
    assert looked()
    mapping["facts"]["sales"]["checks"].append({"not_null": "id"})  # now all of them are read
    assert looked()


def test_what_a_check_looks_at_is_the_value_that_is_stored(shop):
    mapping = star(
        sales=fact(
            QUERY,
            {"id": None, "amount": {"expr": "amount - 0.004", "type": "numeric(12,2)"}},
            checks=[{"range": {"amount": {"min": 1}}}],
        )
    )
    assert verdicts(shop.run(mapping)) == {"range amount": ("pass", 0)}


def test_references(shop):
    mapping = star(
        dim_sales=dimension(QUERY, "id name", special_members=UNKNOWN),
        sales=fact(
            "SELECT id, id % 50 + 1 AS other FROM sales",
            "id other",
            checks=[{"references": {"other": "dim_sales"}}],
        ),
    )
    assert verdicts(shop.run(mapping)) == {"references other in dim_sales": ("pass", 0)}
    shop.source("INSERT INTO sales (id, name) VALUES (1000, 'far')")
    mapping["facts"]["sales"]["source"]["query"] = (
        "SELECT id, CASE WHEN id > 99 THEN id END AS other FROM sales"
    )
    with pytest.raises(CheckFailedError, match="references other in dim_sales' fails: 1 of"):
        shop.run(mapping)


def test_free_sql_may_look_at_the_whole_star(shop):
    both = "SELECT FROM {{ this }} AS s RIGHT JOIN dim_sales AS d USING (id) WHERE s.id IS NULL"
    mapping = star(
        dim_sales=dimension(QUERY, "id name"),
        sales=fact(
            QUERY + " WHERE id > 1", "id amount", checks=[{"sql": both, "name": "complete"}]
        ),
    )
    shop.run(star(dim_sales=dimension(QUERY, "id name")))
    with pytest.raises(CheckFailedError, match="check 'complete' fails: 1 rows break it"):
        shop.run(mapping)


# --- quarantine

REJECTS = [
    (
        {"not_null": "name"},
        "UPDATE sales SET name = NULL WHERE id <= 3",
        [1, 2, 3],
        "not_null name",
    ),
    (
        {"accepted": {"status": ["new"]}},
        "UPDATE sales SET status = 'old' WHERE id = 9",
        [9],
        "accepted status",
    ),
    (
        {"range": {"amount": {"min": 3, "max": 99}}},
        "SELECT 1",
        [1, 2, 100],
        "range amount",
    ),
]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("check", "break_it", "out", "name"), REJECTS)
def test_rows_that_break_a_check_go_to_quarantine_and_the_others_are_loaded(
    shop, check, break_it, out, name, first
):
    mapping = checked({**check, "on_failure": "reject"}, {"row_count": "source"})
    if not first:
        shop.source(f"DELETE FROM sales WHERE id IN ({', '.join(map(str, out))})")
        shop.run(mapping)
        shop.source(
            "INSERT INTO sales SELECT n, 'n' || n, n, 'new', '2024-01-01', now() FROM "
            f"unnest(ARRAY{out}) AS n"
        )
    shop.source(break_it)
    report = shop.run(mapping)
    assert counts(report, "sales")["rejected"] == len(out)
    assert verdicts(report) == {name: ("warn", len(out)), "row_count source": ("pass", 0)}
    assert shop.column("SELECT count(*) FROM sales") == [100 - len(out)]
    path = shop.write(mapping)
    line = path.read_text().split("\n").index("    checks:") + 2
    kept = shop.warehouse(
        "SELECT mapping, entry, rule, reason, place, (row->>'id')::int, row FROM engine.reject "
        "WHERE reason LIKE 'check %' ORDER BY 6"
    )
    assert [row[:6] for row in kept] == [
        ("little", "sales", "facts.sales.checks.0", f"check {name}", f"{path}:{line}:7", n)
        for n in out
    ]
    expected = shop.source(f"SELECT to_jsonb(s) FROM sales AS s WHERE id = {out[0]}")[0][0]
    assert {k: v for k, v in kept[0][6].items() if k != "at"} == {
        k: v for k, v in expected.items() if k != "at"
    }
    # Again: the same rows are rejected, and kept once.
    assert counts(shop.run(mapping), "sales")["rejected"] == len(out)
    assert shop.column("SELECT count(*) FROM engine.reject") == [len(kept)]
    # Mended, they are loaded.
    shop.source("UPDATE sales SET name = 'mended', status = 'new', amount = 50")
    assert counts(shop.run(mapping), "sales")["inserted"] == len(out)


def test_a_row_count_that_the_source_does_not_confirm_stops_the_run(shop):
    """The query answers otherwise when it is asked again, as one with random() or a LIMIT can."""
    mapping = star(sales=fact(QUERY, COLUMNS, checks=[{"row_count": "source"}]))
    assert verdicts(shop.run(mapping)) == {"row_count source": ("pass", 0)}
    before = untouched(shop)
    query = QUERY + " WHERE id <= 50 OR current_query() LIKE 'copy%'"
    mapping = star(sales=fact(query, COLUMNS, checks=[{"row_count": "source"}]))
    with pytest.raises(CheckFailedError, match="fails: the source counts 50 rows, 100 were read"):
        shop.run(mapping)
    assert untouched(shop) == before


# TRAPS 27
@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("of", ["dimension", "fact"])
def test_a_row_that_gets_lost_on_its_way_stops_the_run(shop, new, of):
    """Somebody's trigger swallows a row: the database says nothing of it, and no check asks."""
    table, entry, read = {
        "dimension": ("dim_sales", dimension(QUERY, COLUMNS), 100),
        "fact": ("sales", fact(QUERY, COLUMNS, load="upsert", cursor="id"), 1),
    }[of]
    mapping = star(**{table: entry})
    shop.run(mapping)
    shop.warehouse(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        f"CREATE TRIGGER t BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN (NEW.amount = -7) "
        "EXECUTE FUNCTION swallow()"
    )
    before = untouched(shop)
    sql = "UPDATE sales SET amount = -7 WHERE id = 100"
    shop.source("INSERT INTO sales (id, amount) VALUES (101, -7)" if new else sql)
    rows = read + new
    with pytest.raises(RunError, match=f"{rows} rows were read but {rows - 1} are accounted for"):
        shop.run(mapping)
    assert untouched(shop) | {"dim_sales_key_seq": []} == before | {"dim_sales_key_seq": []}


def test_a_json_document_that_jsonb_cannot_hold_is_kept(shop):
    shop.source(r"""UPDATE sales SET status = '{"a": "\u0000"}'""")
    query = "SELECT id, status::json AS document, ARRAY[status::json] AS documents FROM sales"
    check = {"range": {"id": {"min": 2}}, "on_failure": "reject"}
    mapping = star(sales=fact(query, "id document documents", load="upsert", checks=[check]))
    for _ in range(2):
        assert counts(shop.run(mapping), "sales")["rejected"] == 1
    assert shop.column("SELECT row ->> 'document' FROM engine.reject") == [r'{"a": "\u0000"}']


def test_rejecting_has_its_limit(shop):
    shop.source("UPDATE sales SET name = NULL WHERE id <= 3")
    check = {"not_null": "name", "on_failure": "reject"}
    with pytest.raises(
        CheckFailedError, match="check 'not_null name' fails: 3 of 100 rows break it"
    ):
        shop.run(checked({**check, "max": 2}))
    assert shop.column("SELECT count(*) FROM engine.reject") == [0]
    assert verdicts(shop.run(checked({**check, "max": "3%"}))) == {"not_null name": ("warn", 3)}


def test_a_row_that_breaks_two_rules_is_counted_once(shop):
    shop.source("UPDATE sales SET name = NULL, amount = -1 WHERE id = 5")
    mapping = checked(
        {"not_null": "name", "on_failure": "reject"},
        {"range": {"amount": {"min": 0}}, "on_failure": "reject"},
    )
    assert counts(shop.run(mapping), "sales") == {"read": 100, "inserted": 99, "rejected": 1}
    assert shop.column("SELECT count(*) FROM engine.reject") == [1]


def test_a_member_that_is_rejected_is_the_unknown_one_to_its_facts(shop):
    mapping = star(
        dim_sales=dimension(
            QUERY,
            "id name",
            special_members=UNKNOWN,
            checks=[{"not_null": "name", "on_failure": "reject"}],
        ),
        sales=fact(QUERY, "id", lookups={"k": {"dimension": "dim_sales", "on": "id"}}),
    )
    shop.source("UPDATE sales SET name = NULL WHERE id = 5")
    shop.run(mapping)
    assert shop.column("SELECT id FROM sales WHERE k = -1") == [5]


# --- the command line


def test_the_command_line_says_which_check_failed_and_exits_with_3(shop):
    mapping = shop.write(checked({"range": {"amount": {"max": 50}}}, {"not_null": "name"}))
    done = shop.engine("run", mapping, "--report", "json")
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert report["status"] == "failed"
    assert [(c["check"], c["status"], c["failed"], c["total"]) for c in report["checks"]] == [
        ("range amount", "fail", 50, 100),
        ("not_null name", "pass", 0, 100),
    ]
    assert "check 'range amount' fails: 50 of 100 rows break it" in done.stderr
    assert "Traceback" not in done.stderr
    assert shop.column("SELECT to_regclass('sales') IS NULL") == [True]
    shop.write(checked({"range": {"amount": {"max": 50}}, "severity": "warn"}))
    done = shop.engine("run", mapping)
    assert done.returncode == 0
    assert "sales: check 'range amount' warns: 50 of 100 rows break it" in done.stdout
    assert "0 of 1 checks passed" in done.stdout


def test_freshness_passes_special_members_over(shop):
    mapping = star(
        dim_sales=dimension(
            QUERY,
            "id at",
            special_members={"unknown": {"key": -1, "at": "2999-01-01"}},
            checks={"freshness": {"at": "2h"}},
        )
    )
    assert verdicts(shop.run(mapping))["freshness at"] == ("pass", 0)
    shop.source("UPDATE sales SET at = at - interval '1 day'")
    with pytest.raises(CheckFailedError, match="freshness at"):
        shop.run(mapping)


TWO = (
    "UPDATE sales SET name = NULL WHERE id <= 3; UPDATE sales SET status = NULL WHERE id IN (3, 4)"
)


@pytest.mark.parametrize(
    ("check", "name"),
    [
        ({"not_null": ["name", "status"]}, "not_null name, status"),
        ({"not_null": ["name", "status"], "name": "all there"}, "all there"),
    ],
)
def test_a_check_of_two_columns_rejects_a_row_once_and_is_judged_once(shop, check, name):
    shop.source(TWO)
    mapping = checked({**check, "on_failure": "reject", "max": 4})
    report = shop.run(mapping)
    assert counts(report, "sales") == {"read": 100, "inserted": 96, "rejected": 4}
    assert verdicts(report) == {name: ("warn", 4)}
    assert shop.column("SELECT (row ->> 'id')::int FROM engine.reject ORDER BY 1") == [1, 2, 3, 4]
    mapping["facts"]["sales"]["checks"][0]["max"] = 3
    shop.source("UPDATE sales SET name = NULL WHERE id <= 3")
    with pytest.raises(CheckFailedError, match=f"check '{name}' fails: 4 of 100 rows break it"):
        shop.run(mapping, full_refresh=True)


def test_a_run_that_fails_tells_what_it_has_read_and_why(shop):
    mapping = star(
        sales=fact(QUERY, "id amount", cursor="id", checks=[{"range": {"id": {"min": 1}}}])
    )
    shop.run(mapping)
    mapping["facts"]["sales"]["checks"] = [{"range": {"id": {"min": 2}}}]
    path = shop.write(mapping)
    why = "sales: the definition has changed since the last run: everything is read"
    done = shop.engine("run", path)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"note: {why}\n" in done.stderr
    done = shop.engine("run", path, "--report", "json")
    told = json.loads(done.stdout)["notices"]
    assert [f"{notice['entry']}: {notice['text']}" for notice in told] == [why]
    assert "note: " not in done.stderr
    seen = on_a_terminal(shop, "run", path)
    assert seen.rindex(SHOW_CURSOR) < seen.index("note: ")  # the display is gone, and wipes nothing


def test_limits_of_two_columns_are_one_check_too(shop):
    limits = {"id": {"min": 3}, "amount": {"min": 4}}
    report = shop.run(checked({"range": limits, "on_failure": "reject", "max": "3%"}))
    assert verdicts(report) == {"range id, range amount": ("warn", 3)}


def test_the_quarantine_names_a_rule_once(shop):
    mapping = checked({"not_null": ["name", "status"], "on_failure": "reject"})
    (quarantine,) = [s for s in shop.plan(mapping).load if s.title == "quarantine"]
    assert len({rule.path for rule in quarantine.rules}) == len(quarantine.rules)


def test_the_log_and_the_ledger_name_each_check(shop):
    path = shop.write(checked({"not_null": ["name", "status"]}, {"sql": "SELECT 1 LIMIT 0"}))
    done = shop.engine("run", path)
    steps = [json.loads(line).get("step") for line in done.stderr.splitlines()]
    named = [f"check {name}" for name in ("not_null name, not_null status", "sql")]
    assert [step for step in steps if "check" in str(step)] == [f"sales: {n}" for n in named]
    said = shop.column("SELECT title FROM engine.step WHERE title LIKE 'check%' ORDER BY ordinal")
    assert said == named


def test_the_rows_are_looked_at_once_for_all_checks_of_rows(shop):
    limits = {"id": {"min": 3}, "amount": {"min": 4}}
    checks = ({"not_null": ["name", "status"]}, {"range": limits, "severity": "warn"})
    mapping = checked(*checks)
    (step,) = shop.plan(mapping).checks
    assert step.called == "check not_null name, not_null status, range id, range amount"
    found = verdicts(shop.run(mapping))
    assert found == {
        "not_null name": ("pass", 0),
        "not_null status": ("pass", 0),
        "range id": ("warn", 2),
        "range amount": ("warn", 3),
    }


def test_what_the_key_refuses_is_not_looked_for(shop):
    checks = ({"unique": "id"}, {"unique": ["name", "id"]}, {"unique": "name", "severity": "warn"})
    path = shop.write(checked(*checks))
    (step,) = shop.plan(path).checks
    assert step.check.columns == ("name",)
    assert "  sales: check unique id (error): its key proves it" in shop.engine("plan", path).stdout
    report = shop.run(path)
    told = {v.check: (v.status, v.failed, v.total) for v in report.checks}
    assert told["unique id"] == told["unique name, id"] == ("pass", 0, 100)
    shop.source("UPDATE sales SET name = 'same' WHERE id < 3")
    assert {v.check for v in shop.run(path, full_refresh=True).checks if v.failed} == {
        "unique name"
    }


def test_a_plan_shows_the_table_that_is_made_of_its_rows_and_every_check(shop):
    path = shop.write(checked({"row_count": "source"}, {"not_null": "name"}))
    lines = shop.engine("plan", path).stdout.splitlines()
    at = lines.index("schema changes:")
    assert lines[at + 1] == "  sales: create table, of its rows: see create filled"
    at = lines.index("checks, before the commit:")
    assert set(lines[at + 1 :]) == {
        "  sales: check not_null name (error)",
        "  sales: check row_count source (error)",
    }
    shop.run(path)
    assert "schema changes: none" in shop.engine("plan", path).stdout


@pytest.mark.parametrize(
    "tighter", [{"max": 2}, {"max": 5, "severity": "error"}], ids=["fewer", "an error"]
)
@pytest.mark.parametrize("kind", ["unique", "not_null"])
def test_a_check_that_was_made_stricter_looks_at_all_rows(shop, kind, tighter):
    value = "'same'" if kind == "unique" else "NULL"
    shop.source(f"UPDATE sales SET name = {value} WHERE id <= 3")
    cursor = {"cursor": "at"}
    before = checked({kind: "name", "severity": "warn", "max": 5}, **cursor)
    shop.run(before)
    assert counts(shop.run(before), "sales")["read"] < 100
    after = checked({kind: "name", "severity": "warn", **tighter}, **cursor)
    assert verdicts(shop.run(after))[f"{kind} name"][1] == 3
