"""What a review found: stars that were wrong in silence, runs that failed where they must not."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from engine.errors import CheckFailedError
from tests.integration.stars import UNKNOWN, counts, dimension, fact, notices, star


@pytest.mark.parametrize(
    ("type_", "values", "later"),
    [
        ("numeric(10,2)", "(1, 1.5), (2, 'NaN')", "2.5"),
        ("varchar(20)", "(1, 'B'), (2, 'a')", "'b'"),
        ("mood", "(1, 'ok'), (2, 'fine')", "'ok'"),
    ],
)
def test_a_cursor_whose_type_has_a_length_or_travels_as_text(stars, type_, values, later):
    stars.source(
        "CREATE TYPE mood AS ENUM ('fine', 'ok');"
        f"CREATE TABLE t (id integer, c {type_}); INSERT INTO t VALUES {values};"
        "GRANT SELECT ON t TO engine_reader"
    )
    mapping = star(f=fact("SELECT id, c FROM t", "id c", cursor="c"))
    stars.run(mapping)
    stars.run(mapping)
    stars.source(f"INSERT INTO t VALUES (3, {later})")
    stars.run(mapping)
    assert stars.column("SELECT id FROM f ORDER BY id") == [1, 2, 3]


def test_a_database_made_anew_under_its_name_is_another_source(stars):
    mapping = star(f=fact("SELECT id, amount FROM t", cursor="id"))
    stars.source(
        "CREATE TABLE t AS SELECT 1000 AS id, 1 AS amount; GRANT SELECT ON t TO engine_reader"
    )
    stars.run(mapping)
    name = stars.databases.source.database
    admin = stars.databases.source_admin_url.rpartition("/")[0] + "/postgres"
    stars.execute_outside(admin, f'DROP DATABASE "{name}" WITH (FORCE)')
    stars.execute_outside(admin, f'CREATE DATABASE "{name}"')
    stars.source(
        "CREATE TABLE t AS SELECT 4 AS id, 1 AS amount; GRANT SELECT ON t TO engine_reader"
    )
    report = stars.run(mapping)
    assert "was restored" in notices(report)
    assert stars.column("SELECT id FROM f ORDER BY id") == [4, 1000]


def test_a_writer_that_hides_its_activity_cannot_make_the_engine_lose_a_row(stars):
    stars.source(
        "CREATE TABLE t (id serial, amount integer DEFAULT 1); GRANT SELECT ON t TO engine_reader;"
        "INSERT INTO t DEFAULT VALUES"
    )
    mapping = star(f=fact("SELECT id, amount FROM t", cursor="id"))
    hidden = stars.databases.connect(stars.databases.source_admin_url)
    with hidden.cursor() as cursor:
        cursor.execute("SET track_activities = off")
        hidden.commit()
        cursor.execute("INSERT INTO t DEFAULT VALUES")
        stars.source("INSERT INTO t DEFAULT VALUES")
        report = stars.run(mapping)
        assert "cannot be seen" in notices(report)
        hidden.commit()
    hidden.close()
    stars.run(mapping)
    assert stars.column("SELECT id FROM f ORDER BY id") == [1, 2, 3]


def test_a_clock_that_is_set_back_an_hour_loses_no_row(stars):
    name = stars.databases.source.database
    stars.execute_outside(
        stars.databases.source_admin_url,
        f"ALTER DATABASE \"{name}\" SET timezone = 'Europe/Amsterdam'",
    )
    stars.source(
        "CREATE TABLE t (id serial, at timestamp); GRANT SELECT ON t TO engine_reader;"
        "INSERT INTO t (at) VALUES (localtimestamp)"
    )
    mapping = star(f=fact("SELECT id, at FROM t", "id at", cursor="at"))
    stars.run(mapping)
    stars.source("INSERT INTO t (at) VALUES (localtimestamp - interval '59 minutes')")
    stars.run(mapping)
    assert stars.column("SELECT id FROM f ORDER BY id") == [1, 2]


SHOP = """
CREATE TABLE m (id integer, name text); INSERT INTO m VALUES (1, 'a'), (2, 'b');
CREATE TABLE e (id integer, member integer, day date);
INSERT INTO e VALUES (1, 1, '2021-05-01'), (2, 9, '2020-05-01');
GRANT SELECT ON m, e TO engine_reader;
"""


def shop(load="append", unknown=-1, key="id", until="2020-12-31", **more):
    return star(
        dim_m=dimension(
            "SELECT id, name FROM m",
            {"id": key, "name": None},
            special_members={"unknown": {"key": unknown}},
        ),
        dim_day={
            "calendar": {"from": "2020-01-01", "to": until},
            "key": "day_key",
            "special_members": UNKNOWN,
        },
        e=fact(
            "SELECT id, member, day FROM e",
            "id member",
            cursor="id",
            load=load,
            lookups={
                "m_key": {"dimension": "dim_m", "on": {"id": "member"}},
                "day_key": {"dimension": "dim_day", "on": {"date": "day"}},
            },
            **more,
        ),
    )


@pytest.mark.parametrize(
    ("change", "sql", "after"),
    [
        ({"until": "2021-12-31"}, "SELECT day_key FROM e WHERE id = 1", [20210501]),
        ({"unknown": -2}, "SELECT m_key FROM e WHERE id = 2", [-2]),
        ({"key": "id + 7"}, "SELECT name FROM e JOIN dim_m ON m_key = key WHERE e.id = 2", ["b"]),
    ],
)
def test_facts_follow_what_decides_their_keys(stars, change, sql, after):
    stars.source(SHOP)
    stars.run(shop())
    assert stars.column(sql) != after
    stars.run(shop(**change))
    assert stars.column(sql) == after


def test_a_column_that_was_dropped_in_the_warehouse_is_filled_again(stars):
    stars.source(SHOP)
    stars.run(shop())
    stars.warehouse("ALTER TABLE e DROP COLUMN member")
    report = stars.run(shop())
    assert "its table has no column 'member': everything is read" in notices(report)
    assert stars.column("SELECT member FROM e ORDER BY id") == [1, 9]


def test_a_fact_that_becomes_an_upsert_gets_what_append_passed_over(stars):
    stars.source(SHOP)
    stars.run(shop())
    stars.source("UPDATE e SET member = 2 WHERE id = 1")
    stars.run(shop())
    stars.run(shop("upsert"))
    assert stars.column("SELECT member FROM e WHERE id = 1") == [2]


def test_a_lookup_that_is_taken_out_leaves_a_column_that_may_be_empty(stars):
    stars.source(SHOP)
    stars.run(shop())
    mapping = shop()
    del mapping["facts"]["e"]["lookups"]["day_key"]
    stars.source("INSERT INTO e VALUES (3, 1, '2020-01-01')")
    stars.run(mapping)
    assert stars.warehouse("SELECT id, day_key FROM e WHERE id = 3") == [(3, None)]


def test_a_fact_may_join_a_dimension_that_is_replaced(stars):
    stars.source(SHOP)
    members = dimension("SELECT id, name FROM m", load="replace", special_members=UNKNOWN)
    stars.run(star(dim_m=members))
    stars.source("DELETE FROM m WHERE id = 2")
    events = fact(
        "SELECT id, member FROM e",
        "id member",
        lookups={"m_key": {"dimension": "dim_m", "on": {"id": "member"}}},
    )
    assert counts(stars.run(star(dim_m=members, e=events)), "dim_m")["deleted"] == 1


def test_a_lookup_in_the_grain_fails_when_it_must(stars):
    stars.source(SHOP)
    events = fact(
        "SELECT id, member FROM e",
        "id",
        grain=["m_key", "id"],
        lookups={"m_key": {"dimension": "dim_m", "on": {"id": "member"}, "missing": "fail"}},
    )
    with pytest.raises(CheckFailedError, match="no member of dim_m for m_key"):
        stars.run(star(dim_m=dimension("SELECT id, name FROM m"), e=events))


def test_a_check_finds_the_tables_of_its_own_star(stars):
    stars.source(SHOP)
    stars.warehouse("CREATE TABLE public.dim_m (id integer); INSERT INTO dim_m VALUES (1)")
    mapping = star(
        dim_m=dimension(
            "SELECT id, name FROM m", checks=[{"sql": "SELECT 1 FROM dim_m HAVING count(*) <> 2"}]
        )
    )
    mapping["connections"] = {
        "source": {"env": "SOURCE"},
        "warehouse": {"env": "WAREHOUSE", "schema": "mart"},
    }
    assert stars.run(mapping).status == "done"


def test_a_folder_of_somebody_else_is_left_alone(stars, tmp_path):
    (tmp_path / "mine").mkdir()
    done = stars.engine("plan", stars.write(shop()), "--folder", tmp_path / "mine")
    assert done.returncode == 2
    assert "run `engine demo` first" in done.stderr
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_slash_in_a_password_does_not_show_the_rest_of_it(stars):
    done = stars.engine(
        "history", environment={"WAREHOUSE_URL": "postgresql://engine:p@ss/w0rd@127.0.0.1:1/w"}
    )
    assert done.returncode == 2
    assert "/ as %2F" in done.stderr
    assert "ss" not in done.stderr.replace("passwords", "").replace("password", "")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("to", ["> /dev/full", "| head -c 0"])
def test_a_report_that_nobody_takes_is_no_failure_of_the_run(stars, form, to):
    stars.source(SHOP)
    path = stars.write(shop())
    engine = f"{shlex.quote(sys.executable)} -m engine"
    command = f"exec 3>&1; set -o pipefail; {engine} run {path} --report {form} {to}"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo code $? >&3"],
        env=stars.environment(None),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    # A report that fits into the pipe before its reader ends is written.
    if done.stdout != "code 0\n" or "head" not in to:
        assert done.stdout == "code 74\n", done.stderr
        assert last.startswith("the star was published, but the report could not be written: ")
    assert "Traceback" not in done.stderr
    assert stars.column("SELECT status FROM engine.run") == ["done"]


def test_history_tells_each_line_of_an_error_and_failures_from_warnings(stars):
    stars.source(SHOP)
    checks = [{"not_null": "name"}, {"accepted": {"name": ["a"]}}, {"unique": "id"}]
    checks.append({"accepted": {"name": ["b"]}, "severity": "warn"})
    checks.append({"accepted": {"id": [7]}})
    mapping = star(dim_m=dimension("SELECT id, name FROM m", checks=checks))
    with pytest.raises(CheckFailedError):
        stars.run(mapping)
    lines = stars.engine("history").stdout.splitlines()
    assert lines[0].split()[-2:] == ["warnings", "failures"]
    assert lines[1].split()[-2:] == ["1", "2"]
    errors = [line.partition(": ")[2] for line in lines[2:-1]]
    assert [error.partition(" fails")[0] for error in errors] == [
        "dim_m: check 'accepted name'",
        "dim_m: check 'accepted id'",
    ]
    assert lines[-1].endswith(" nothing was published")


def test_history_of_a_mapping_that_never_ran(stars):
    stars.source(SHOP)
    assert stars.engine("history", "--mapping", "nix").stdout == "no runs yet\n"
    stars.run(shop())
    said = stars.engine("history", "--mapping", "litle").stdout
    assert said == "no runs of a mapping named 'litle' (did you mean 'little'?)\n"


def test_an_option_of_a_url_that_libpq_does_not_know(stars):
    url = f"{stars.databases.warehouse_url}?sslmod=disable"
    done = stars.engine("history", environment={"WAREHOUSE_URL": url})
    assert done.returncode == 2
    assert "is not keyword=value of libpq (did you mean 'sslmode'?)" in done.stderr
