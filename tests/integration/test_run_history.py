"""Dimensions with history: versions, their periods, and the facts that refer to them."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.errors import CheckFailedError, MappingError, RunError
from tests.integration.stars import UNKNOWN, counts, dimension, fact, star, untouched

EVENTS = "SELECT id, city, name, at FROM events"
COLUMNS = {"id": None, "city": {"scd": 2}, "name": None}
VERSIONS = (
    "SELECT id, city, name, valid_from::text, valid_to::text, is_current FROM dim_user "
    "WHERE key > 0 ORDER BY id, valid_from"
)
EVER, NEVER = "-infinity", "infinity"


@pytest.fixture
def events(stars):
    stars.source("CREATE TABLE events (id int, city text, name text, at timestamp)")
    stars.source("GRANT SELECT ON events TO PUBLIC")
    return stars


def send(stars, *rows):
    """Let the source show these rows and no others: member, city, name, day of January 2026."""
    stars.source("TRUNCATE events")
    for member, city, name, day in rows:
        words = ["NULL" if word is None else f"'{word}'" for word in (city, name)]
        at = (
            "NULL" if day is None else f"'{day}'" if isinstance(day, str) else f"'2026-01-{day:02}'"
        )
        stars.source(f"INSERT INTO events VALUES ({member}, {words[0]}, {words[1]}, {at})")


def users(columns=None, history=None, **more):
    given = {"history": history or {"effective": "at"}, "special_members": UNKNOWN, **more}
    return star(dim_user=dimension(EVENTS, columns or COLUMNS, **given))


def versions(stars):
    """Return city, name, first and last day of each version, in the order of time."""
    return [
        (city, name, _day(since), _day(until), current)
        for _, city, name, since, until, current in stars.warehouse(VERSIONS)
    ]


def _day(text):
    return text if "infinity" in text else datetime.fromisoformat(text).day


def test_a_change_closes_the_version_and_makes_another(events):
    send(events, (1, "Rome", "Ada", 1), (2, "Bonn", "Bob", 1))
    assert counts(events.run(users()), "dim_user") == {"read": 2, "inserted": 2}
    send(events, (1, "Oslo", "Ada", 5), (2, "Bonn", "Bob", 1))
    report = events.run(users())
    assert counts(report, "dim_user") == {"read": 2, "inserted": 1, "unchanged": 1, "closed": 1}
    assert versions(events) == [
        ("Rome", "Ada", EVER, 5, False),
        ("Oslo", "Ada", 5, NEVER, True),
        ("Bonn", "Bob", EVER, NEVER, True),
    ]


@pytest.mark.parametrize("key", [None, {"type": "text"}], ids=["number", "text"])
@pytest.mark.parametrize("several", [False, True])
def test_a_first_load_puts_events_in_order_only_where_a_member_has_several(events, several, key):
    rows = [(1, "Rome", "Ada", 1), (2, "Bonn", None, 2)]
    send(events, *rows, *([(1, "Rome", "Zoë", 3), (1, "Oslo", "Zoë", 5)] if several else []))
    first_name = {"expr": "name", "scd": 0}
    columns = COLUMNS | {"id": key, "first_name": first_name, "before": {"previous": "city"}}
    report = events.run(users(columns))
    steps = {step.title: step.rows for step in report.steps if step.entry == "dim_user"}
    assert ("build versions" in steps, "insert first" in steps) == (several, not several)
    assert steps["count several"] == (2 if several else 0)
    ordinary = {"read": 4, "inserted": 3, "unchanged": 1} if several else {"read": 2, "inserted": 2}
    assert counts(report, "dim_user") == ordinary
    ada = (
        [
            (1, "Rome", "Zoë", "Ada", None, EVER, "2026-01-05 00:00:00", "2026-01-01 00:00:00"),
            (1, "Oslo", "Zoë", "Ada", "Rome", "2026-01-05 00:00:00", NEVER, "2026-01-05 00:00:00"),
        ]
        if several
        else [(1, "Rome", "Ada", "Ada", None, EVER, NEVER, "2026-01-01 00:00:00")]
    )
    assert events.warehouse(
        "SELECT id::int, city, name, first_name, before, valid_from::text, valid_to::text, "
        "changed_at::text FROM dim_user WHERE key > 0 ORDER BY id, valid_from"
    ) == [*ada, (2, "Bonn", None, None, None, EVER, NEVER, "2026-01-02 00:00:00")]


def test_the_same_again_changes_no_row_and_burns_no_key(events):
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 5))
    events.run(users())
    before = untouched(events)
    assert counts(events.run(users()), "dim_user") == {"read": 2, "unchanged": 2}
    assert counts(events.run(users(), full_refresh=True), "dim_user") == {"read": 2, "unchanged": 2}
    assert untouched(events) == before


def test_a_run_that_gives_its_own_time_writes_no_unchanged_member(events):
    send(events, (1, "Rome", "Ada", 1), (2, "Bonn", "Bob", 1))
    mapping = users(history={"first": "effective"})
    events.run(mapping)
    before = untouched(events)
    events.run(mapping)
    assert untouched(events) == before
    send(events, (1, "Oslo", "Ada", 1), (2, "Bonn", "Bob", 1))
    events.run(mapping)
    cities = "SELECT city FROM dim_user WHERE id = 1 ORDER BY valid_from"
    assert events.column(cities) == ["Rome", "Oslo"]
    assert events.column("SELECT count(*) FROM dim_user WHERE id = 1 AND valid_to <= now()") == [1]


# TRAPS 28
def test_several_changes_and_a_return_in_one_batch(events):
    send(
        events, *((1, city, "Ada", n) for n, city in enumerate(["Rome", "Oslo", "Oslo", "Rome"], 1))
    )
    report = events.run(users())
    assert counts(report, "dim_user") == {"read": 4, "inserted": 3, "unchanged": 1}
    assert versions(events) == [
        ("Rome", "Ada", EVER, 2, False),
        ("Oslo", "Ada", 2, 4, False),
        ("Rome", "Ada", 4, NEVER, True),
    ]


# TRAPS 29
def test_a_late_change_splits_the_version_that_covers_it(events):
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 20))
    events.run(users())
    keys = events.column("SELECT key FROM dim_user WHERE id = 1 ORDER BY valid_from")
    send(events, (1, "Bonn", "Eve", 10))
    assert counts(events.run(users()), "dim_user") == {"read": 1, "inserted": 1, "closed": 1}
    assert versions(events) == [
        ("Rome", "Ada", EVER, 10, False),
        ("Bonn", "Ada", 10, 20, False),
        ("Oslo", "Ada", 20, NEVER, True),
    ], "the name is that of the last row in time, not of the last one read"
    kept = events.column("SELECT key FROM dim_user WHERE id = 1 ORDER BY valid_from")
    assert [kept[0], kept[2]] == keys


def test_a_late_change_before_what_was_confirmed_later_returns(events):
    send(events, (1, "Rome", "Ada", 1))
    events.run(users())
    send(events, (1, "Rome", "Ada", 20))
    events.run(users())
    send(events, (1, "Bonn", "Ada", 10))
    events.run(users())
    assert [v[0] for v in versions(events)] == ["Rome", "Bonn", "Rome"]


def test_a_late_row_of_the_next_version_begins_it_earlier(events):
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 20))
    events.run(users())
    send(events, (1, "Oslo", "Ada", 10))
    assert counts(events.run(users()), "dim_user") == {"read": 1, "updated": 1, "closed": 2}
    assert versions(events) == [
        ("Rome", "Ada", EVER, 10, False),
        ("Oslo", "Ada", 10, NEVER, True),
    ]


# TRAPS 32
def test_what_came_before_the_first_version(events):
    send(events, (1, "Rome", "Ada", 10))
    events.run(users())
    send(events, (1, "Bonn", "Ada", 5))
    events.run(users())
    assert versions(events) == [
        ("Bonn", "Ada", EVER, 10, False),
        ("Rome", "Ada", 10, NEVER, True),
    ]


# TRAPS 30
def test_two_rows_of_one_time(events):
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 1))
    with pytest.raises(CheckFailedError, match="natural key at one time is not unique"):
        events.run(users())
    mapping = users(dedupe="city")
    assert counts(events.run(mapping), "dim_user") == {"read": 2, "inserted": 1, "rejected": 1}
    assert [v[0] for v in versions(events)] == ["Oslo"]
    send(events, (1, "Bonn", "Ada", 1))
    assert counts(events.run(mapping), "dim_user") == {"read": 1, "updated": 1}
    assert versions(events) == [("Bonn", "Ada", EVER, NEVER, True)]


def test_a_row_without_a_time_is_rejected(events):
    send(events, (1, "Rome", "Ada", None), (2, "Bonn", "Bob", "infinity"), (3, "Oslo", "Cid", 3))
    assert counts(events.run(users()), "dim_user") == {"read": 3, "inserted": 1, "rejected": 2}
    assert set(events.column("SELECT reason FROM engine.reject")) == {
        "the effective time is null or infinite"
    }


# TRAPS 20
def test_null_is_a_value_like_another(events):
    send(
        events, (1, None, "Ada", 1), (1, None, "Ada", 2), (1, "Rome", "Ada", 3), (1, None, "Ada", 4)
    )
    events.run(users())
    assert [v[0] for v in versions(events)] == [None, "Rome", None]


@pytest.mark.parametrize(
    ("type_1", "names"), [("all", ["Zoe", "Zoe"]), ("current", ["Ada", "Zoe"])]
)
# TRAPS 38
def test_a_type_1_column_changes_all_versions_or_the_current_one(events, type_1, names):
    mapping = users(history={"effective": "at", "type_1": type_1})
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 5))
    events.run(mapping)
    send(events, (1, "Oslo", "Zoe", 9))
    assert counts(events.run(mapping), "dim_user") == {"read": 1, "updated": 1}
    assert [v[1] for v in versions(events)] == names


def test_types_0_3_and_6_side_by_side(events):
    mapping = users(
        {
            **COLUMNS,
            "first_name": {"expr": "name", "scd": 0},
            "previous_city": {"previous": "city"},
            "current_city": {"expr": "city", "scd": 1},
        }
    )
    for day, (city, name) in enumerate([("Rome", "Ada"), ("Oslo", "Eve"), ("Bonn", "Zoe")], 1):
        send(events, (1, city, name, day))
        events.run(mapping)
    found = "SELECT city, first_name, previous_city, current_city FROM dim_user WHERE id = 1"
    assert events.warehouse(f"{found} ORDER BY valid_from") == [
        ("Rome", "Ada", None, "Bonn"),
        ("Oslo", "Ada", "Rome", "Bonn"),
        ("Bonn", "Ada", "Oslo", "Bonn"),
    ]


@pytest.mark.parametrize("more", [{}, {"cursor": {"column": "at", "null": "never"}}])
def test_types_0_and_3_without_history(events, more):
    columns = {
        "id": None,
        "city": None,
        "name": {"scd": 0},
        "previous_city": {"previous": "city"},
    }
    mapping = star(dim_user=dimension(EVENTS, columns, **more))
    seen = [("Rome", "Ada"), ("Oslo", "Eve"), ("Oslo", "Zoe"), ("Bonn", "Zoe")]
    for day, (city, name) in enumerate(seen, 1):
        send(events, (1, city, name, day))
        events.run(mapping)
    assert events.warehouse("SELECT city, name, previous_city FROM dim_user") == [
        ("Bonn", "Ada", "Oslo")
    ]


# TRAPS 37
@pytest.mark.parametrize("more", [{}, {"history": {"effective": "at"}}])
def test_a_new_type_0_column_is_filled_once_for_those_who_are_there(events, more):
    send(events, (1, "Rome", "Ada", 1))
    city = {"id": None, "city": {"scd": 2} if more else None}
    events.run(star(dim_user=dimension(EVENTS, city, **more)))
    mapping = star(dim_user=dimension(EVENTS, {**city, "name": {"scd": 0}}, **more))
    assert counts(events.run(mapping), "dim_user") == {"read": 1, "updated": 1}
    send(events, (1, "Rome", "Zoe", 2))
    assert counts(events.run(mapping), "dim_user") == {"read": 1, "unchanged": 1}
    assert events.column("SELECT name FROM dim_user") == ["Ada"]


def test_a_column_that_is_no_longer_kept_as_first_seen_is_overwritten_at_once(events):
    def mapping(scd):
        columns = {"id": None, "name": {"scd": scd}, "at": None}
        return star(dim_user=dimension(EVENTS, columns, cursor="at"))

    send(events, (1, "Rome", "Ada", 1))
    events.run(mapping(0))
    send(events, (1, "Rome", "Eve", 2), (2, "Bonn", "Bob", 3))
    events.run(mapping(0))
    assert events.column("SELECT name FROM dim_user ORDER BY id") == ["Ada", "Bob"]
    assert counts(events.run(mapping(1)), "dim_user") == {"read": 2, "updated": 1, "unchanged": 1}
    assert events.column("SELECT name FROM dim_user ORDER BY id") == ["Eve", "Bob"]


def test_a_dimension_gets_a_history_later(events):
    send(events, (1, "Rome", "Ada", 1))
    events.run(star(dim_user=dimension(EVENTS, "id city name", special_members=UNKNOWN)))
    keys = events.column("SELECT key FROM dim_user WHERE id = 1")
    events.run(users())
    send(events, (1, "Oslo", "Ada", 5))
    events.run(users())
    assert versions(events) == [
        ("Rome", "Ada", EVER, 5, False),
        ("Oslo", "Ada", 5, NEVER, True),
    ]
    assert events.column("SELECT key FROM dim_user WHERE city = 'Rome'") == keys


# TRAPS 37
def test_a_new_type_2_column_makes_no_version(events):
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 5))
    events.run(users())
    send(events, (1, "Oslo", "Ada", 5))
    mapping = users({**COLUMNS, "shout": {"expr": "upper(name)", "scd": 2}})
    events.run(mapping)
    assert events.column("SELECT shout FROM dim_user WHERE id = 1") == ["ADA", "ADA"]
    send(events, (1, "Oslo", "Eve", 9))
    events.run(mapping)
    found = "SELECT shout FROM dim_user WHERE id = 1 ORDER BY valid_from"
    assert events.column(found) == ["ADA", "ADA", "EVE"]


@pytest.mark.parametrize(
    ("damage", "refusal"),
    [
        ("SET is_current = true", "current_key"),
        ("SET valid_from = '-infinity'", "valid_from_key"),
        ("SET valid_to = valid_from", "period_check"),
    ],
)
# TRAPS 40
def test_the_database_refuses_damage(events, damage, refusal):
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 5))
    events.run(users())
    with pytest.raises(Exception, match=refusal):
        events.warehouse(f"UPDATE dim_user {damage} WHERE id = 1")


SALES = "SELECT sale_id, id, at FROM sales"


def sales(**lookup):
    """A fact that looks a user up as of its own time, and a day."""
    given = {"dimension": "dim_user", "on": "id", "as_of": "at", **lookup}
    mapping = users()
    mapping["facts"]["fact_sale"] = fact(SALES, "sale_id at", lookups={"user_key": given})
    return mapping


CITIES = "SELECT d.city FROM fact_sale f JOIN dim_user d ON d.key = f.user_key ORDER BY sale_id"


@pytest.fixture
def shop(events):
    events.source("CREATE TABLE sales (sale_id int, id int, at timestamp)")
    events.source("GRANT SELECT ON sales TO PUBLIC")
    days = (1, "5", 12, 20, 30)
    rows = ", ".join(f"({n}, 1, '2026-01-{int(day):02}')" for n, day in enumerate(days))
    events.source(f"INSERT INTO sales VALUES {rows}, (9, 1, NULL)")
    return events


# TRAPS 33
def test_a_fact_finds_the_version_of_its_time(shop):
    send(shop, (1, "Rome", "Ada", 5), (1, "Oslo", "Ada", 20))
    shop.run(sales())
    assert shop.column(CITIES) == ["Rome", "Rome", "Rome", "Oslo", "Oslo", None]


def test_a_row_that_has_no_version_at_its_time_is_told_from_one_that_has_no_member(shop):
    send(shop, (1, "Rome", "Ada", 5))
    mapping = sales(missing="fail")
    mapping["dimensions"]["dim_user"]["history"]["first"] = "effective"
    with pytest.raises(CheckFailedError) as error:
        shop.run(mapping)
    assert str(error.value).endswith(
        "2 rows have a problem: no member of dim_user for user_key, such as id = 1, of which there is no "
        "version at 2026-01-01 00:00:00"
    )
    shop.source(
        "UPDATE sales SET id = 7 WHERE at IS NULL; DELETE FROM sales WHERE at < '2026-01-05'"
    )
    with pytest.raises(CheckFailedError, match=r"1 row has a problem: .* such as id = 7$"):
        shop.run(mapping)


# TRAPS 29
def test_facts_are_pointed_to_a_version_that_comes_late(shop):
    send(shop, (1, "Rome", "Ada", 5), (1, "Oslo", "Ada", 20))
    shop.run(sales())
    send(shop, (1, "Bonn", "Ada", 10))
    report = shop.run(sales())
    assert counts(report, "dim_user") == {"read": 1, "inserted": 1, "closed": 1, "repointed": 1}
    assert counts(report, "fact_sale") == {"read": 6, "unchanged": 6}
    assert shop.column(CITIES) == ["Rome", "Rome", "Bonn", "Oslo", "Oslo", None]


# TRAPS 27
def test_versions_that_overlap_multiply_no_fact(shop):
    """Without `no_overlap` somebody may add one by hand; a fact of that time finds two."""
    send(shop, (1, "Rome", "Ada", 5), (1, "Oslo", "Ada", 20))
    shop.run(sales())
    shop.warehouse(
        "INSERT INTO dim_user (id, city, valid_from, valid_to, is_current) "
        "VALUES (1, 'Nice', '2026-01-10', '2026-01-15', false)"
    )
    before = untouched(shop)
    send(shop)
    shop.source("INSERT INTO sales VALUES (7, 1, '2026-01-12')")
    with pytest.raises(
        RunError, match=r"fact_sale: insert new failed: duplicate key .* \(sale_id\)=\(7\)"
    ):
        shop.run(sales())
    assert untouched(shop) == before


def test_facts_are_pointed_by_the_day_that_they_keep(shop):
    mapping = sales(as_of="at::date")
    mapping["dimensions"]["dim_day"] = {
        "calendar": {"from": "2026-01-01", "to": "2026-12-31"},
        "key": "day_key",
        "special_members": UNKNOWN,
    }
    lookups = mapping["facts"]["fact_sale"]["lookups"]
    lookups["day_key"] = {"dimension": "dim_day", "on": {"date": "at::date"}}
    mapping["facts"]["fact_sale"]["columns"] = {"sale_id": None}
    send(shop, (1, "Rome", "Ada", 5), (1, "Oslo", "Ada", 20))
    shop.run(mapping)
    send(shop, (1, "Bonn", "Ada", 10))
    assert counts(shop.run(mapping), "dim_user")["repointed"] == 1
    assert shop.column(CITIES) == ["Rome", "Rome", "Bonn", "Oslo", "Oslo", None]


DAY = {"calendar": {"from": "2026-01-01", "to": "2026-12-31"}, "key": "day_key"}
BY_DAY = {"day_key": {"dimension": "dim_day", "on": {"date": "at"}, "missing": "reject"}}


@pytest.mark.parametrize(
    ("columns", "lookups", "told"),
    [
        ({"at": {"type": "date"}}, {}, "'at', which keeps it, tells the day alone"),
        ({}, BY_DAY, "'day_key', which keeps it, tells the day alone"),
        ({"at": {"type": "timestamp(0)"}}, {}, r"is timestamp\(0\) without time zone"),
        ({"at": {"type": "text"}}, {}, "'at', which keeps it, is text"),
        ({"at": {"type": "date"}, "full": "at"}, {}, ""),
        ({"at": {"type": "timestamptz"}}, BY_DAY, ""),
    ],
)
def test_a_fact_stays_with_the_version_of_its_hour(shop, columns, lookups, told):
    """What is kept must tell as much as its time, or a later change would move it: of a day to midnight."""
    mapping = sales()
    mapping["dimensions"]["dim_day"] = DAY
    mapping["facts"]["fact_sale"]["columns"] = {"sale_id": None, **columns}
    mapping["facts"]["fact_sale"]["lookups"] |= lookups
    shop.source("DELETE FROM sales; INSERT INTO sales VALUES (1, 1, '2026-01-10 15:00')")
    send(shop, (1, "Rome", "Ada", 5), (1, "Oslo", "Ada", "2026-01-10 12:00"))
    if told:
        with pytest.raises(MappingError, match=f"this time is timestamp without time zone.*{told}"):
            shop.run(mapping)
        mapping["dimensions"]["dim_user"]["history"] = {"effective": "at::date"}
        if "day" in told:  # which is enough where versions begin with days
            shop.run(mapping)
        return
    for _ in range(2):
        shop.run(mapping)
        assert shop.column(CITIES) == ["Oslo"]
        send(shop, (1, "Bonn", "Ada", 20))


def test_without_a_time_a_fact_finds_the_current_version(shop):
    send(shop, (1, "Rome", "Ada", 5), (1, "Oslo", "Ada", 20))
    mapping = sales()
    del mapping["facts"]["fact_sale"]["lookups"]["user_key"]["as_of"]
    shop.run(mapping)
    assert set(shop.column(CITIES)) == {"Oslo"}


def test_a_time_that_is_none_is_refused_before_anything_is_written(events):
    send(events, (1, "Rome", "Ada", 1))
    with pytest.raises(MappingError, match="is text, and versions need a date or a timestamp"):
        events.run(users(history={"effective": "city"}))


def test_unique_is_meant_among_the_current_versions(events):
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 5), (2, "Bonn", "Eve", 1))
    events.run(users(checks=[{"unique": "id"}, {"unique": "name"}]))


def test_lookup_gives_the_current_version(events):
    send(events, (1, "Rome", "Ada", 1), (1, "Oslo", "Ada", 5))
    path = events.write(users())
    events.run(path)
    found = events.engine("lookup", "dim_user", "id=1", "--mapping", path, "--json")
    assert '"city":"Oslo"' in found.stdout


def test_a_history_that_is_taken_out_says_how_its_versions_give_way_to_the_last(events):
    events.source(
        "CREATE TABLE sales (id int, user_id int, at timestamp); GRANT SELECT ON sales TO PUBLIC;"
        "INSERT INTO sales VALUES (7, 1, '2026-01-02'), (8, 1, '2026-01-06'), (9, 2, '2026-01-02')"
    )

    def mapping(history):
        lookup = {"dimension": "dim_user", "on": "user_id", **({"as_of": "at"} if history else {})}
        kept = {"history": {"effective": "at"}} if history else {}
        columns = COLUMNS if history else {**COLUMNS, "city": None}
        return star(
            dim_user=dimension(EVENTS, columns, special_members=UNKNOWN, **kept),
            sales=fact("SELECT * FROM sales", "id at", lookups={"user_key": lookup}),
        )

    send(events, (1, "Rome", "Ada", 1), (2, "Bonn", "Bob", 1), (1, "Oslo", "Ada", 5))
    events.run(mapping(history=True))
    send(events, (1, "Oslo", "Ada", 5), (2, "Bonn", "Bob", 1))
    with pytest.raises(CheckFailedError) as error:
        events.run(mapping(history=False))
    said = str(error.value)
    assert (
        "dim_user: table public.dim_user has several versions of a member, from when it had" in said
    )
    statement = said.partition("keep the last ones, by ")[2].partition(";")[0]
    events.warehouse(statement)
    assert events.column("SELECT city FROM dim_user WHERE key > 0 ORDER BY id") == ["Oslo", "Bonn"]
    send(events, (1, "Oslo", "Ada", 5), (2, "Bonn", "Bob", 1), (3, "Ulm", "Cleo", 9))
    assert said.count("and run with --full-refresh, so that facts refer to them") == 1
    events.run(mapping(history=False), full_refresh=True)
    assert events.warehouse(
        "SELECT s.id, city FROM sales AS s JOIN dim_user ON key = user_key ORDER BY 1"
    ) == [(7, "Oslo"), (8, "Oslo"), (9, "Bonn")]
    assert events.column("SELECT city FROM dim_user WHERE id = 3") == ["Ulm"]
