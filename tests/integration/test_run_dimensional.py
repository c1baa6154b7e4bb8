"""Junk, durable keys, hierarchies, audit and partitions in one star: each does its part beside the others."""

from __future__ import annotations

from tests.conftest import query
from tests.integration.stars import UNKNOWN, dimension, fact, star, untouched

SOURCE = """
CREATE TABLE sales (id int, day date, gift bool, who int, boss int, at timestamp);
GRANT SELECT ON sales TO PUBLIC;
INSERT INTO sales SELECT g, date '2026-01-01' + g, g % 3 = 0, g % 5 + 1, nullif(g % 5, 0), '2026-01-01'
FROM generate_series(1, 60) AS g;
"""


def shop():
    return star(
        dim_flag={"junk": "sold", "key": "flag_key", "columns": {"gift": None}},
        dim_who=dimension(
            "SELECT DISTINCT who, boss, at FROM sales",
            {"who": None, "boss": {"scd": 2}},
            history={"effective": "at", "no_overlap": True},
            durable_key="durable",
            hierarchy={"parent": "boss"},
            special_members=UNKNOWN,
            audit=True,
        ),
        sold=fact(
            "SELECT * FROM sales",
            "id day",
            cursor="id",
            grain=["id", "day"],
            load="upsert",
            lookups={
                "flag_key": {"dimension": "dim_flag"},
                "who_key": {"dimension": "dim_who", "on": "who", "key": "durable"},
            },
            partition={"by": "day", "every": "month"},
            audit=True,
        ),
    )


def test_one_star_of_many_words_is_loaded_again_backfilled_and_made_by_its_ddl(stars):
    stars.source(SOURCE)
    stars.run(shop())
    before = untouched(stars)
    stars.run(shop())
    assert untouched(stars) == before
    path = stars.write(shop())
    assert "build closure (if a member has changed)" in stars.engine("plan", path).stdout

    # A range is loaded anew, with a combination that nobody had.
    stars.source("UPDATE sales SET gift = NULL WHERE id = 10; DELETE FROM sales WHERE id = 11")
    done = stars.engine(
        "run", path, "--from", "2026-01-01", "--to", "2026-02-01", "--select", "sold"
    )
    assert done.returncode == 0, done.stderr
    loaded = (
        "SELECT count(*), count(DISTINCT flag_key), max(depth) FROM sold JOIN dim_flag USING (flag_key) "
        "JOIN dim_who_current ON durable = who_key JOIN dim_who_hierarchy ON descendant_key = who_key "
        "AND is_top"
    )
    assert stars.warehouse(loaded) == [(59, 3, 4)]

    # The star that `engine ddl` says is the one that a run would make.
    statements = stars.engine("ddl", path).stdout
    # As an administrator: the owner of a database owns this schema only since PostgreSQL 15.
    emptied = "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION engine"
    query(stars.databases.warehouse_admin_url, emptied)
    stars.warehouse(statements)
    report = stars.run(shop())
    assert stars.warehouse(loaded) == [(59, 3, 4)]
    made = ("create table", "create current", "add primary", "add unique", "add excl", "add comb")
    assert not [done for done in report.steps if done.title.startswith(made)]
    assert stars.engine("validate", path, "--connect").returncode == 0
