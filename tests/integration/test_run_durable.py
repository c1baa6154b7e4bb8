"""Type 7: a durable key beside the key of the version, and a view of what is present."""

from __future__ import annotations

import psycopg2
import pytest

from engine.errors import MappingError
from tests.integration.stars import UNKNOWN, counts, dimension, fact, star, untouched

SOURCE = """
CREATE TABLE moves (id int, city text, code varchar(5), at timestamp);
CREATE TABLE buys (id int, who int, at timestamp);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
INSERT INTO moves VALUES
  (1, 'Rome', 'a', '2026-02-01'), (2, 'Bonn', 'b', '2026-02-01'), (1, 'Oslo', 'a', '2026-03-01');
INSERT INTO buys VALUES
  (10, 1, '2026-02-15'), (11, 1, '2026-04-01'), (12, 2, '2026-04-01'), (13, 9, '2026-04-01');
"""
MEMBERS = "SELECT id, city, durable FROM dim_user WHERE key > 0 ORDER BY id, valid_from"
BOTH = """
SELECT b.id, t.city, n.city FROM bought AS b JOIN dim_user AS t ON t.key = b.then_key
JOIN dim_user_current AS n ON n.durable = b.now_key ORDER BY 1
"""


def users(columns=None, **more):
    columns = columns or {"id": None, "city": {"scd": 2}, "code": None}
    history = {"history": {"effective": "at"}, "special_members": UNKNOWN, "durable_key": "durable"}
    user = {"dimension": "dim_user", "on": "who"}
    return star(
        dim_user=dimension("SELECT * FROM moves", columns, **history | more),
        bought=fact(
            "SELECT * FROM buys",
            "id at",
            lookups={
                "then_key": {**user, "as_of": "at"},
                "now_key": {**user, "key": "durable"},
            },
            checks={"references": {"now_key": "dim_user", "then_key": "dim_user"}},
        ),
    )


def test_all_versions_share_a_key_that_never_changes(stars):
    stars.source(SOURCE)
    stars.run(users())
    first = stars.warehouse(MEMBERS)
    assert [(one, city) for one, city, _ in first] == [(1, "Rome"), (1, "Oslo"), (2, "Bonn")]
    ada, also, bob = (durable for _, _, durable in first)
    assert ada == also != bob
    assert {ada, bob} <= {*stars.column("SELECT key FROM dim_user")}
    assert stars.warehouse(BOTH) == [
        (10, "Rome", "Oslo"),
        (11, "Oslo", "Oslo"),
        (12, "Bonn", "Bonn"),
        (13, None, None),
    ]
    before = untouched(stars)
    stars.run(users())
    stars.run(users(), full_refresh=True)
    assert untouched(stars) == before

    # A version that is earlier than all others comes late, a new member comes too.
    stars.source(
        "INSERT INTO moves VALUES (1, 'Pisa', 'a', '2026-01-01'), (3, 'Lyon', 'c', '2026-01-01')"
    )
    report = stars.run(users())
    assert counts(report, "dim_user")["inserted"] == 2
    assert stars.warehouse(MEMBERS)[:3] == [(1, "Pisa", ada), (1, "Rome", ada), (1, "Oslo", ada)]
    assert stars.warehouse(BOTH)[0] == (10, "Rome", "Oslo")
    assert stars.warehouse("SELECT count(DISTINCT durable) FROM dim_user") == [(4,)]
    assert stars.warehouse("SELECT durable FROM dim_user WHERE durable IS NULL") == []


def test_a_durable_key_can_come_later_and_the_view_follows_the_table(stars):
    stars.source(SOURCE)
    plain = users()
    plain["dimensions"]["dim_user"].pop("durable_key")
    plain["facts"]["bought"]["lookups"].pop("now_key")
    plain["facts"]["bought"].pop("checks")
    stars.run(plain)
    stars.run(users())
    assert stars.warehouse(BOTH)[0] == (10, "Rome", "Oslo")
    kept = stars.warehouse(MEMBERS)
    # A column that is wider, and another one, of which the view would stand in the way.
    wider = {"id": None, "new": "'x'", "city": {"scd": 2}, "code": {"type": "varchar(50)"}}
    stars.run(users(wider))
    assert stars.warehouse("SELECT DISTINCT new FROM dim_user_current WHERE key > 0") == [("x",)]
    assert stars.warehouse(MEMBERS) == kept
    before = untouched(stars)
    stars.run(users(wider))
    assert untouched(stars) == before
    assert (
        'create or replace view "public"."dim_user_current"'
        in stars.engine("ddl", stars.write(users())).stdout.lower()
    )


def test_an_outrigger_holds_the_durable_key(stars):
    stars.source(SOURCE)
    mapping = users()
    mapping["dimensions"]["dim_buyer"] = dimension(
        "SELECT id AS buy, who FROM buys",
        "buy",
        lookups={"who_key": {"dimension": "dim_user", "on": "who", "key": "durable"}},
    )
    stars.run(mapping)
    stars.source("INSERT INTO moves VALUES (2, 'Kiel', 'b', '2026-05-01')")
    assert counts(stars.run(mapping), "dim_buyer") == {"read": 4, "unchanged": 4}
    assert stars.column(
        "SELECT n.city FROM dim_buyer JOIN dim_user_current AS n ON n.durable = who_key ORDER BY buy"
    ) == ["Oslo", "Oslo", "Kiel", None]


def test_the_database_itself_refuses_overlapping_periods(stars):
    stars.source(SOURCE)
    sure = {"history": {"effective": "at", "no_overlap": True}}
    mapping = users({"id": None, "city": {"scd": 2}}, **sure)
    stars.run(mapping)
    forged = (
        "INSERT INTO dim_user (durable, id, city, valid_from, valid_to, is_current) "
        "VALUES (1, 1, 'Nice', '2026-02-15', '2026-02-20', false)"
    )
    with pytest.raises(psycopg2.errors.ExclusionViolation, match="dim_user_no_overlap"):
        stars.warehouse(forged)
    # Versions that move while others are at their old place are no overlap when all have moved.
    stars.source(
        "INSERT INTO moves VALUES (1, 'Oslo', 'a', '2026-02-10'), (1, 'Pisa', 'a', '2026-01-01')"
    )
    stars.source("INSERT INTO moves VALUES (1, 'Rome', 'a', '2026-02-20')")
    assert counts(stars.run(mapping), "dim_user")["inserted"] == 3
    assert [city for one, city, _ in stars.warehouse(MEMBERS) if one == 1] == [
        "Pisa", "Rome", "Oslo", "Rome", "Oslo",
    ]  # fmt: skip
    before = untouched(stars)
    stars.run(mapping)
    assert untouched(stars) == before


def test_a_key_that_needs_an_extension_is_told_before_a_run(stars):
    stars.source(SOURCE)
    sure = {"history": {"effective": "at", "no_overlap": True}}
    mapping = users({"id": {"type": "text"}, "city": {"scd": 2}}, **sure)
    mapping["facts"] = {}
    with pytest.raises(MappingError, match="no exclusion constraint compares without btree_gist"):
        stars.plan(mapping)
    # The embedded servers come without extensions; with those of a distribution it goes on.
    offered = "SELECT count(*) FROM pg_available_extensions WHERE name = 'btree_gist'"
    if stars.column(offered) == [1]:
        stars.warehouse("CREATE EXTENSION btree_gist SCHEMA public")
        stars.run(mapping)
        forged = "INSERT INTO dim_user (id, valid_from, valid_to, is_current) VALUES ('1', {}, {}, false)"
        with pytest.raises(psycopg2.errors.ExclusionViolation):
            stars.warehouse(forged.format("'2026-02-15'", "'2026-02-20'"))


def test_a_table_with_the_name_of_the_view_is_refused(stars):
    stars.source(SOURCE)
    stars.warehouse("CREATE TABLE dim_user_current (id int)")
    said = (
        r"durable_key: public\.dim_user_current is to be the view .*, and is no view \(rename that"
    )
    with pytest.raises(MappingError, match=said):
        stars.run(users())
