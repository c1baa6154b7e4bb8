"""Inferred members: made of the keys of facts that come early, and completed in place (TRAPS 36)."""

from __future__ import annotations

import pytest

from engine.errors import CheckFailedError
from tests.integration.stars import UNKNOWN, counts, dimension, fact, notices, star, untouched


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE guests (id int, name text, city text, at timestamp);"
        "CREATE TABLE visits (id int, guest_id int, host_id int, at timestamp);"
        "GRANT SELECT ON guests, visits TO PUBLIC;"
        "INSERT INTO guests VALUES (1, 'Ada', 'Rome', '2026-01-01')"
    )
    return stars


LOOKUP = {"dimension": "dim_guest", "on": "guest_id", "missing": "infer"}
AS_OF = {**LOOKUP, "as_of": "at"}
COLUMNS = {"id": None, "name": None, "city": None}
VERSIONS = {"id": None, "name": None, "city": {"scd": 2}}


def guests(columns=COLUMNS, query="SELECT * FROM guests", **more):
    return dimension(query, columns, **{"special_members": UNKNOWN, **more})


def versions(columns=VERSIONS, **more):
    return guests(columns, history={"effective": "at"}, **more)


def visits(dim_guest=None, *, lookups=None, **more):
    given = {"load": "upsert", "lookups": lookups or {"guest_key": LOOKUP}, **more}
    return star(
        dim_guest=dim_guest or guests(), fact_visit=fact("SELECT * FROM visits", "id at", **given)
    )


def visit(shop, id_, guest, day=5, host=1):
    guest = "NULL" if guest is None else guest
    shop.source(f"INSERT INTO visits VALUES ({id_}, {guest}, {host}, '2026-01-{day:02}')")


def guest(shop, id_, name, day, city="Rome"):
    shop.source(f"INSERT INTO guests VALUES ({id_}, '{name}', '{city}', '2026-01-{day:02}')")


LOADED = "SELECT f.id, g.id, g.name FROM fact_visit AS f JOIN dim_guest AS g ON g.key = guest_key ORDER BY 1"
INFERRED = "SELECT id FROM dim_guest WHERE is_inferred ORDER BY key"


def key_of(shop, id_):
    return shop.column(f"SELECT guest_key FROM fact_visit WHERE id = {id_}")[0]


@pytest.mark.parametrize("history", [False, True])
def test_an_early_fact_makes_its_member_and_the_first_row_completes_it_in_place(shop, history):
    for id_, of in ((1, 1), (2, 2), (3, 2), (4, 3), (5, None)):
        visit(shop, id_, of)
    mapping = visits(
        versions() if history else guests(), lookups={"guest_key": AS_OF if history else LOOKUP}
    )
    report = shop.run(mapping)
    assert counts(report, "dim_guest") == {"read": 1, "inserted": 1, "inferred": 2}
    assert counts(report, "fact_visit") == {"read": 5, "inserted": 5}
    assert "dim_guest: 2 members are inferred, the oldest for 0 s" in notices(report)
    expected = [(1, 1, "Ada"), (2, 2, None), (3, 2, None), (4, 3, None), (5, None, None)]
    assert shop.warehouse(LOADED) == expected
    assert shop.column(INFERRED) == [2, 3], "keys are given in the order of natural keys"
    assert shop.column("SELECT inferred_at = now() FROM dim_guest WHERE is_inferred") == [False] * 2
    before = untouched(shop)
    assert counts(shop.run(mapping), "dim_guest") == {"read": 1, "unchanged": 1}
    assert untouched(shop) == before, "nothing is made twice"
    key = key_of(shop, 2)
    shop.warehouse("UPDATE dim_guest SET inferred_at = inferred_at - interval '50 hours'")
    guest(shop, 2, "Bob", 7)
    report = shop.run(mapping)
    assert counts(report, "dim_guest") == {"read": 2, "unchanged": 1, "updated": 1}
    assert "1 member is inferred, the oldest for 2 d 2 h" in notices(report)
    assert shop.warehouse(LOADED)[1:3] == [(2, 2, "Bob"), (3, 2, "Bob")]
    assert key_of(shop, 2) == key
    assert shop.warehouse(
        "SELECT key, is_inferred, inferred_at IS NOT NULL, city FROM dim_guest WHERE id = 2"
    ) == [(key, False, True, "Rome")]
    guest(shop, 3, "Cy", 7)
    assert "inferred" not in notices(shop.run(mapping))
    assert shop.column("SELECT count(*) FROM dim_guest") == [4]
    if history:
        assert shop.warehouse(
            "SELECT DISTINCT valid_from = '-infinity', valid_to = 'infinity', is_current, "
            "confirmed_at = changed_at FROM dim_guest WHERE key > 0"
        ) == [(True, True, True, True)]


def test_what_never_changes_later_is_there_after_the_first_row(shop):
    columns = {"id": None, "name": {"scd": 0}, "city": None, "city_before": {"previous": "city"}}
    mapping = visits(guests(columns))
    visit(shop, 1, 2)
    shop.run(mapping)
    guest(shop, 2, "Bob", 7, "Oslo")
    shop.run(mapping)
    said = "SELECT name, city, city_before FROM dim_guest WHERE id = 2"
    assert shop.warehouse(said) == [("Bob", "Oslo", None)]
    shop.source("UPDATE guests SET name = 'Rob', city = 'Bonn' WHERE id = 2")
    shop.run(mapping)
    assert shop.warehouse(said) == [("Bob", "Bonn", "Oslo")]


@pytest.mark.parametrize("cursor", [{}, {"cursor": "at"}])
def test_a_dimension_that_is_only_added_to_is_completed_once(shop, cursor):
    mapping = visits(guests(load="insert", **cursor))
    visit(shop, 1, 2)
    shop.run(mapping)
    guest(shop, 2, "Bob", 7)
    report = shop.run(mapping)
    assert counts(report, "dim_guest")["updated"] == 1
    assert "stays as it was loaded" not in notices(report)
    shop.source("UPDATE guests SET name = 'Rob', at = '2026-01-09' WHERE id = 2")
    assert "updated" not in counts(shop.run(mapping), "dim_guest")
    assert shop.warehouse(LOADED) == [(1, 2, "Bob")]


def test_a_history_is_that_which_it_would_be_without_early_facts(shop):
    columns = {**VERSIONS, "name": {"scd": 0}, "city_before": {"previous": "city"}}
    mapping = visits(
        versions(columns, durable_key="durable"),
        lookups={
            "guest_key": AS_OF,
            "person_key": {**LOOKUP, "key": "durable"},
        },
    )
    for day in (1, 5, 9, 13):
        visit(shop, day, 2, day)
    report = shop.run(mapping)
    assert counts(report, "dim_guest")["inferred"] == 1, "two lookups make one member"
    key = key_of(shop, 1)
    assert shop.column("SELECT DISTINCT person_key FROM fact_visit") == [key]
    guest(shop, 2, "Bob", 4, "Oslo")
    guest(shop, 2, "Rob", 8, "Bonn")
    report = shop.run(mapping)
    assert counts(report, "dim_guest") == {
        "read": 3,
        "inserted": 1,
        "updated": 1,
        "unchanged": 1,
        "closed": 1,
        "repointed": 2,
    }
    said = (
        "SELECT f.id, name, city, city_before, durable FROM fact_visit AS f "
        "JOIN dim_guest AS g ON g.key = guest_key ORDER BY 1"
    )
    oslo, bonn = ("Bob", "Oslo", None, key), ("Bob", "Bonn", "Oslo", key)
    assert shop.warehouse(said) == [(1, *oslo), (5, *oslo), (9, *bonn), (13, *bonn)]
    assert key_of(shop, 1) == key, "the first version is the member that was made"
    titles = {step.title for step in shop.run(mapping).steps}
    assert not titles & {"drop index", "add unique index"}
    guest(shop, 2, "Tim", 2, "Kiel")  # late, and before what made the member real
    shop.run(mapping)
    assert [row[2] for row in shop.warehouse(said)] == ["Kiel", "Oslo", "Bonn", "Bonn"]
    assert shop.column("SELECT count(*) FROM dim_guest WHERE id = 2") == [3]
    assert shop.column("SELECT count(*) FROM dim_guest WHERE is_inferred") == [0]


def test_without_an_effective_time_a_history_is_completed_too(shop):
    mapping = visits(guests(VERSIONS))
    visit(shop, 1, 2)
    shop.run(mapping)
    guest(shop, 2, "Bob", 4)
    assert counts(shop.run(mapping), "dim_guest")["updated"] == 1
    assert shop.warehouse(
        "SELECT name, valid_from::text, valid_to::text, changed_at = confirmed_at, is_inferred "
        "FROM dim_guest WHERE id = 2"
    ) == [("Bob", "-infinity", "infinity", True, False)]
    before = untouched(shop)
    shop.run(mapping)
    assert untouched(shop) == before


@pytest.mark.parametrize("policy", ["flag", "close", "remove", "replace"])
def test_a_member_that_the_source_never_had_is_not_gone_from_it(shop, policy):
    mapping = visits(
        versions()
        if policy == "close"
        else guests(load="replace" if policy == "replace" else "upsert")
    )
    source = mapping["dimensions"]["dim_guest"]["source"]
    source["deletes"] = {"max": "0%"} if policy == "replace" else {"policy": policy, "max": "0%"}
    visit(shop, 1, 2)
    guest(shop, 3, "Cy", 1)
    shop.run(mapping)
    shop.source("DELETE FROM visits")
    mapping["facts"]["fact_visit"]["load"] = "replace"
    mapping["facts"]["fact_visit"]["source"]["allow_empty"] = True
    for _ in range(2):
        shop.run(mapping)
        assert shop.column("SELECT count(*) FROM fact_visit") == [0]
        assert shop.column(INFERRED) == [2], "and no fact refers to it any more"
    source["deletes"]["max"] = "100%"
    guest(shop, 2, "Bob", 7)
    assert "returned" not in counts(shop.run(mapping), "dim_guest")
    shop.source("DELETE FROM guests WHERE id = 2")
    assert counts(shop.run(mapping), "dim_guest")["deleted"] == 1


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("early", ["in the first run", "later"])
def test_checks_of_columns_look_at_what_was_read_and_not_at_inferred_members(shop, history, early):
    checks = {"checks": [{"not_null": "name"}]}
    mapping = visits(versions(**checks) if history else guests(**checks))
    if early == "later":
        shop.run(mapping)
    visit(shop, 10, 2)
    report = shop.run(mapping)
    assert counts(report, "dim_guest")["inferred"] == 1
    shop.source("INSERT INTO guests VALUES (2, NULL, 'Bonn', '2026-01-03')")
    with pytest.raises(CheckFailedError, match="dim_guest: check 'not_null name' fails: 1 of "):
        shop.run(mapping)


def test_a_member_that_was_closed_is_no_early_one(shop):
    mapping = visits(versions())
    mapping["dimensions"]["dim_guest"]["source"]["deletes"] = {"policy": "close", "max": "100%"}
    guest(shop, 2, "Bob", 2)
    shop.run(mapping)
    shop.source("DELETE FROM guests WHERE id = 2")
    shop.run(mapping)
    visit(shop, 1, 2)
    assert "inferred" not in counts(shop.run(mapping), "dim_guest")
    assert shop.warehouse(LOADED) == [(1, 2, "Bob")], "its last version is found"


def test_natural_keys_of_several_columns_their_types_and_what_they_cannot_hold(shop):
    shop.source(
        "CREATE TABLE rooms (house varchar(3), number int, name text);"
        "CREATE TABLE stays (id int, house text, number numeric);"
        "GRANT SELECT ON rooms, stays TO PUBLIC;"
        "INSERT INTO stays VALUES (1, 'a', 7), (2, 'a', 7.0), (3, 'b', 7), (4, 'a', NULL), "
        "  (5, NULL, 7), (6, 'abcd', 7), (7, 'a', 7.5), (8, 'abc', -7), (9, '', 0)"
    )
    mapping = star(
        dim_room=dimension(
            "SELECT * FROM rooms",
            "house number name",
            natural_key=["house", "number"],
            special_members=UNKNOWN,
        ),
        fact_stay=fact(
            "SELECT * FROM stays",
            {"id": None},
            lookups={
                "room_key": {
                    "dimension": "dim_room",
                    "on": {"house": "house", "number": "number"},
                    "missing": "infer",
                }
            },
        ),
    )
    assert counts(shop.run(mapping), "dim_room") == {"inferred": 4}
    assert shop.warehouse(
        "SELECT f.id, house, number FROM fact_stay AS f JOIN dim_room AS d ON d.key = room_key ORDER BY 1"
    ) == [
        *[(1, "a", 7), (2, "a", 7), (3, "b", 7), (4, None, None), (5, None, None)],
        *[(6, None, None), (7, None, None), (8, "abc", -7), (9, "", 0)],
    ]


def test_lookups_in_roles_of_the_grain_and_of_several_facts_make_one_member(shop):
    host = {**LOOKUP, "on": "host_id", "role": "dim_host"}
    mapping = visits(lookups={"guest_key": LOOKUP, "host_key": host})
    day = fact(
        "SELECT DISTINCT guest_id, at FROM visits",
        {"at": None},
        grain=["guest_key", "at"],
        lookups={"guest_key": LOOKUP},
    )
    mapping["facts"] = {"fact_day": day, **mapping["facts"]}
    visit(shop, 1, 2, 5, host=3)
    visit(shop, 2, 3, 5, host=2)
    visit(shop, 3, 4, 5, host=4)
    report = shop.run(mapping)
    assert counts(report, "dim_guest")["inferred"] == 3
    assert shop.warehouse(
        "SELECT d.id, f.at::text FROM fact_day AS f JOIN dim_guest AS d ON d.key = guest_key ORDER BY 1"
    ) == [(id_, "2026-01-05 00:00:00") for id_ in (2, 3, 4)]
    assert shop.warehouse(
        "SELECT f.id, g.id, h.id FROM fact_visit AS f JOIN dim_guest AS g ON g.key = guest_key "
        "JOIN dim_host AS h USING (host_key) ORDER BY 1"
    ) == [(1, 2, 3), (2, 3, 2), (3, 4, 4)]
    visit(shop, 4, 5)
    visit(shop, 5, 6)
    report = shop.run(mapping)
    assert counts(report, "fact_day")["inserted"] == 2, "two members of one time are two rows"


def test_columns_that_must_not_be_null_have_what_the_unknown_member_has(shop):
    shop.source(
        "CREATE TABLE cities (city text, land text); GRANT SELECT ON cities TO PUBLIC;"
        "INSERT INTO cities VALUES ('Rome', 'Italy')"
    )
    unknown = {"unknown": {"key": -1, "name": "Nobody"}}
    mapping = visits(
        guests(
            {"id": None, "name": None},
            special_members=unknown,
            lookups={"city_key": {"dimension": "dim_city", "on": "city"}},
            audit=True,
        )
    )
    cities = dimension(
        "SELECT * FROM cities", "city land", special_members={"unknown": {"key": -7}}
    )
    mapping["dimensions"] = {"dim_city": cities, **mapping["dimensions"]}
    shop.run(mapping)
    shop.warehouse("ALTER TABLE dim_guest ALTER name SET NOT NULL")
    visit(shop, 1, 2)
    report = shop.run(mapping)
    assert shop.warehouse(
        "SELECT name, city_key, _run_id::text, _loaded_at = inferred_at FROM dim_guest WHERE is_inferred"
    ) == [("Nobody", -7, report.run_id, True)]
    guest(shop, 2, "Bob", 7)
    report = shop.run(mapping)
    assert shop.warehouse(
        "SELECT name, city_key > 0, _run_id::text FROM dim_guest WHERE id = 2"
    ) == [("Bob", True, report.run_id)]


def test_the_rows_that_are_rejected_before_they_are_looked_up_make_no_member(shop):
    host = {**LOOKUP, "on": "host_id", "missing": "reject"}
    visit(shop, 1, 2, host=9)
    report = shop.run(visits(lookups={"guest_key": LOOKUP, "host_key": host}))
    assert counts(report, "fact_visit") == {"read": 1, "rejected": 1}
    assert "inferred" not in counts(report, "dim_guest")


def test_a_row_that_waited_is_loaded_when_its_member_may_be_inferred(shop):
    visit(shop, 1, 2)
    shop.run(visits(lookups={"guest_key": {**LOOKUP, "missing": "hold"}}))
    shop.source("DELETE FROM visits")
    report = shop.run(visits())
    assert counts(report, "fact_visit") == {"inserted": 1, "released": 1}
    assert shop.warehouse(LOADED) == [(1, 2, None)]


def test_facts_that_were_given_the_unknown_member_before_get_their_own(shop):
    visit(shop, 1, 2)
    role = {**LOOKUP, "role": "dim_visitor"}
    shop.run(visits(lookups={"guest_key": {**role, "missing": "unknown"}}, cursor="at"))
    assert shop.warehouse(LOADED) == [(1, None, None)]
    report = shop.run(visits(lookups={"guest_key": role}, cursor="at"))
    assert counts(report, "dim_guest") == {"read": 1, "unchanged": 1, "inferred": 1}
    assert "the mapping did not change" not in notices(report)
    assert shop.warehouse(LOADED) == [(1, 2, None)]
    assert shop.column("SELECT id FROM dim_visitor WHERE is_inferred") == [2]
    changed = "SELECT run_id::text FROM engine.dimension WHERE table_name = 'dim_guest'"
    assert shop.column(changed) == [report.run_id], "a cache knows that it is behind"


def test_another_mapping_that_infers_nothing_completes_and_spares_what_is_there(shop):
    visit(shop, 1, 2)
    visit(shop, 2, 3)
    shop.run(visits(guests({**COLUMNS, "name": {"scd": 0}}, load="replace")))
    other = star("other", dim_guest=guests({**COLUMNS, "name": {"scd": 0}}, load="replace"))
    report = shop.run(other)
    assert "otherwise" not in notices(report)
    assert "no longer in the mapping" not in notices(report)
    assert "2 members are inferred" in notices(report)
    guest(shop, 2, "Bob", 7)
    assert counts(shop.run(other), "dim_guest") == {"read": 2, "unchanged": 1, "updated": 1}
    assert shop.warehouse(LOADED) == [(1, 2, "Bob"), (2, 3, None)]


def test_a_tree_has_its_inferred_members_too(shop):
    shop.source("ALTER TABLE guests ADD boss int; UPDATE guests SET boss = 2")
    mapping = visits(guests({"id": None, "boss": None}, hierarchy={"parent": "boss"}))
    visit(shop, 1, 2)
    shop.run(mapping)
    tree = (
        "SELECT a.id, d.id, depth FROM dim_guest_hierarchy JOIN dim_guest AS a ON a.key = ancestor_key "
        "JOIN dim_guest AS d ON d.key = descendant_key WHERE d.key > 0 ORDER BY 1, 2"
    )
    assert shop.warehouse(tree) == [(1, 1, 0), (2, 1, 1), (2, 2, 0)]
    shop.source(
        "INSERT INTO guests (id, boss) VALUES (2, 1); UPDATE guests SET boss = NULL WHERE id = 1"
    )
    shop.run(mapping)
    assert shop.warehouse(tree) == [(1, 1, 0), (1, 2, 1), (2, 2, 0)]


def test_a_fact_alone_brings_what_it_needs(shop):
    visit(shop, 1, 2)
    report = shop.run(visits(), "fact_visit")
    assert counts(report, "dim_guest") == {"read": 1, "inserted": 1, "inferred": 1}
    mapping = visits()
    mapping["name"] = "fresh"
    mapping["connections"] = {"warehouse": {"env": "WAREHOUSE", "schema": "fresh"}}
    shop.source("DELETE FROM guests")
    shop.run(mapping, "fact_visit")
    assert shop.column("SELECT id FROM fresh.dim_guest WHERE is_inferred") == [2]
    guest(shop, 2, "Bob", 1)
    shop.run(mapping)
    assert shop.warehouse("SELECT id, name FROM fresh.dim_guest WHERE key > 0") == [(2, "Bob")]


def test_nothing_to_do_is_known_to_be_nothing(shop):
    visit(shop, 1, 2)
    mapping = visits(guests(cursor="at"), cursor="at")
    shop.run(mapping)
    shop.source("DELETE FROM visits; DELETE FROM guests")
    report = shop.run(mapping)
    titles = {step.title for step in report.steps}
    assert not titles & {"infer members", "complete inferred", "fill durable key"}
    assert "count inferred" in titles


@pytest.mark.parametrize("before", [False, True])
def test_few_inferred_members_of_many_are_found_at_once(shop, before):
    shop.source(
        "INSERT INTO guests SELECT n, 'x', 'y', '2026-01-01' FROM generate_series(10, 9999) AS n"
    )
    if before:  # the word comes later
        shop.run(visits(lookups={"guest_key": {**LOOKUP, "missing": "unknown"}}))
    visit(shop, 1, 2)
    shop.run(visits())
    scan = "\n".join(
        shop.column("EXPLAIN SELECT count(*), min(inferred_at) FROM dim_guest WHERE is_inferred")
    )
    assert "dim_guest_id_inferred_key" in scan


def test_a_time_that_no_version_has_makes_no_member(shop):
    shop.source(
        "INSERT INTO visits VALUES (1, 2, 1, 'infinity'), (2, 3, 1, NULL), (3, 4, 1, '-infinity')"
    )
    report = shop.run(visits(versions(), lookups={"guest_key": AS_OF}))
    assert counts(report, "dim_guest")["inferred"] == 1
    assert shop.warehouse(LOADED) == [(1, None, None), (2, None, None), (3, 4, None)]


def test_a_backfill_makes_the_members_of_its_days(shop):
    mapping = visits()
    mapping["facts"]["fact_visit"]["source"]["range"] = "at"
    shop.run(mapping)
    visit(shop, 1, 2, 5)
    visit(shop, 2, 3, 9)
    path = shop.write(mapping)
    done = shop.engine("run", path, "--from", "2026-01-04", "--to", "2026-01-06")
    assert "1 member is inferred" in done.stdout, done.stderr
    assert shop.column(INFERRED) == [2]


def test_a_key_that_no_member_can_have_says_where_it_was_looked_up(shop):
    shop.source("ALTER TABLE visits ALTER guest_id TYPE bigint")
    visit(shop, 1, 3_000_000_000)
    with pytest.raises(Exception, match=r"little.yml:\d+:\d+: .*integer out of range"):
        shop.run(visits())
