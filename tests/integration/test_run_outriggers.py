"""Dimensions that look up dimensions: outriggers, snowflakes, and what becomes of the keys."""

from __future__ import annotations

from tests.integration.stars import UNKNOWN, counts, dimension, fact, notices, star, untouched

SOURCE = """
CREATE TABLE people (id int, city_id int, name text, at timestamp);
CREATE TABLE towns (id int, country text, name text);
CREATE TABLE lands (code text, name text);
CREATE TABLE buys (id int, user_id int);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
INSERT INTO lands VALUES ('IT', 'Italy'), ('NO', 'Norway');
INSERT INTO towns VALUES (1, 'IT', 'Rome'), (2, 'NO', 'Oslo');
INSERT INTO people VALUES
  (1, 1, 'Ada', '2026-01-01'), (2, 2, 'Bob', '2026-01-01'), (3, 9, 'Cleo', '2026-01-01');
INSERT INTO buys VALUES (10, 1);
"""
SNOWFLAKE = """
SELECT u.name, c.name, n.name FROM dim_users AS u
LEFT JOIN dim_cities AS c ON c.key = u.city_key LEFT JOIN dim_countries AS n ON n.key = c.country_key
WHERE u.key > 0 ORDER BY u.id, u.key
"""


def snowflake(users=None, **more):
    """Return a star whose file names each dimension before the one that it looks up."""
    city = {"dimension": "dim_cities", "on": "city_id", **more}
    country = {"dimension": "dim_countries", "on": "country"}
    return star(
        dim_users=dimension(
            "SELECT * FROM people",
            "id name",
            **{"lookups": {"city_key": city}, "special_members": UNKNOWN, **(users or {})},
        ),
        dim_cities=dimension(
            "SELECT * FROM towns",
            lookups={"country_key": country},
            special_members={"unknown": {"key": -1}, "nowhere": {"key": -2, "country_key": -7}},
        ),
        dim_countries=dimension(
            "SELECT * FROM lands",
            "code name",
            special_members={"unknown": {"key": -9, "name": "?"}, "none": {"key": -7}},
        ),
        fact_orders=fact(
            "SELECT * FROM buys",
            "id",
            lookups={"user_key": {"dimension": "dim_users", "on": "user_id"}},
        ),
    )


def test_what_is_looked_up_is_loaded_first_and_a_second_run_changes_nothing(stars):
    stars.source(SOURCE)
    report = stars.run(snowflake())
    assert [e.name for e in report.entries] == [
        "dim_countries", "dim_cities", "dim_users", "fact_orders",
    ]  # fmt: skip
    assert stars.warehouse(SNOWFLAKE) == [
        ("Ada", "Rome", "Italy"),
        ("Bob", "Oslo", "Norway"),
        ("Cleo", None, "?"),  # the unknown city lies in the unknown country
    ]
    assert stars.warehouse("SELECT key, country_key FROM dim_cities WHERE key < 0 ORDER BY 1") == [
        (-2, -7),
        (-1, -9),
    ]
    before = untouched(stars)
    stars.run(snowflake())
    assert untouched(stars) == before

    stars.source("UPDATE people SET city_id = 2 WHERE id = 1")
    report = stars.run(snowflake())
    assert counts(report, "dim_users") == {"read": 3, "updated": 1, "unchanged": 2}
    assert stars.warehouse(SNOWFLAKE)[0] == ("Ada", "Oslo", "Norway")
    # A city that an order's user refers to stays, though the source has it no more.
    mapping = snowflake()
    mapping["dimensions"]["dim_cities"]["load"] = "replace"
    stars.source("DELETE FROM towns WHERE id = 2")
    assert counts(stars.run(mapping), "dim_cities")["read"] == 1
    assert stars.column("SELECT name FROM dim_cities WHERE key > 0 ORDER BY id") == ["Rome", "Oslo"]


def test_select_brings_along_all_that_is_looked_up(stars):
    stars.source(SOURCE)
    report = stars.run(snowflake(), "fact_orders")
    assert len(report.entries) == 4
    assert "dim_cities: is loaded too, as dim_users looks it up" in notices(report)
    report = stars.run(snowflake(), "dim_cities")
    assert [e.name for e in report.entries] == ["dim_countries", "dim_cities"]


def test_members_without_a_city_are_rejected_or_fail_the_run(stars):
    stars.source(SOURCE)
    report = stars.run(snowflake(missing="reject"))
    assert counts(report, "dim_users") == {"read": 3, "inserted": 2, "rejected": 1}
    assert stars.column("SELECT row->>'name' FROM engine.reject") == ["Cleo"]


def test_a_key_of_type_2_makes_versions_and_one_of_type_0_stays(stars):
    stars.source(SOURCE)
    first = {"dimension": "dim_cities", "on": "city_id", "scd": 0}
    city = {"dimension": "dim_cities", "on": "city_id", "scd": 2}
    users = {
        "lookups": {"city_key": city, "first_city_key": first},
        "history": {"effective": "at"},
    }
    stars.run(snowflake(users))
    stars.source("UPDATE people SET city_id = 2, at = '2026-03-01' WHERE id = 1")
    report = stars.run(snowflake(users))
    assert counts(report, "dim_users") == {"read": 3, "inserted": 1, "unchanged": 2, "closed": 1}
    ada = (
        "SELECT c.name, f.name, u.is_current FROM dim_users AS u JOIN dim_cities AS c ON c.key = u.city_key "
        "JOIN dim_cities AS f ON f.key = u.first_city_key WHERE u.id = 1 ORDER BY u.valid_from"
    )
    assert stars.warehouse(ada) == [("Rome", "Rome", False), ("Oslo", "Rome", True)]
    before = untouched(stars)
    stars.run(snowflake(users), "dim_users", full_refresh=True)
    assert untouched(stars) == before


def test_a_lookup_that_is_new_fills_the_members_that_are_there(stars):
    stars.source(SOURCE)
    plain = snowflake({"source": {"query": "SELECT * FROM people", "cursor": "at"}})
    lookups = plain["dimensions"]["dim_users"].pop("lookups")
    stars.run(plain)
    keys = stars.warehouse("SELECT id, key FROM dim_users ORDER BY 1")
    plain["dimensions"]["dim_users"]["lookups"] = lookups
    stars.run(plain)
    assert stars.warehouse(SNOWFLAKE)[0] == ("Ada", "Rome", "Italy")
    assert stars.warehouse("SELECT id, key FROM dim_users ORDER BY 1") == keys


def test_a_dimension_with_history_is_looked_up_at_a_time_and_late_changes_point_anew(stars):
    stars.source(SOURCE)
    stars.source("CREATE TABLE mayors (city_id int, mayor text, since timestamp)")
    stars.source("GRANT SELECT ON mayors TO PUBLIC")
    stars.source("INSERT INTO mayors VALUES (1, 'Nero', '2020-01-01')")
    mapping = star(
        dim_cities=dimension(
            "SELECT * FROM mayors",
            {"city_id": None, "mayor": {"scd": 2}},
            history={"effective": "since"},
            special_members=UNKNOWN,
        ),
        dim_users=dimension(
            "SELECT * FROM people",
            "id name at",
            lookups={"city_key": {"dimension": "dim_cities", "on": "city_id", "as_of": "at"}},
        ),
    )
    stars.run(mapping)
    stars.source("INSERT INTO mayors VALUES (1, 'Titus', '2025-06-01')")
    report = stars.run(mapping)
    assert counts(report, "dim_cities")["repointed"] == 1
    assert stars.column(
        "SELECT mayor FROM dim_users AS u JOIN dim_cities AS c ON c.key = u.city_key WHERE u.id = 1"
    ) == ["Titus"]
