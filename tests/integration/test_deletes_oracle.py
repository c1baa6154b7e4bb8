"""Histories with deletes and returns: the warehouse holds what the oracle says (TRAPS 9, 34, 35)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.integration.stars import dimension, fact, star, untouched
from tests.oracle.deletes import Member
from tests.oracle.history import Event

# So far ahead that the end of a version is told by its last event, and never by the clock of the run.
START = datetime.fromisoformat("3000-01-01")
DAYS = 12
MEMBERS = 50  # in one example, so that 10 examples are 500 histories
CITIES = (None, "", "Rome", "Łódź 東京")

event = st.builds(
    Event, st.integers(0, DAYS), st.sampled_from(CITIES), st.sampled_from(("Ada", "Zoë", None))
)
batch = st.one_of(st.just([]), st.lists(event, min_size=1, max_size=3, unique_by=lambda e: e.at))
histories = st.lists(st.lists(batch, min_size=4, max_size=4), min_size=MEMBERS, max_size=MEMBERS)

USERS = dimension(
    "SELECT id, city, name, at FROM events",
    {"id": None, "city": {"scd": 2}, "name": None},
    durable_key="dkey",
    history={"effective": "at"},
    special_members={"unknown": {"key": -1}},
)
USERS["source"]["deletes"] = {"policy": "close", "max": "100%"}
USER = {"dimension": "dim_user", "on": "id"}
STAR = star(
    dim_user=USERS,
    fact_sale=fact(
        "SELECT sale_id, id, at FROM sales",
        "sale_id at",
        lookups={"user_key": {**USER, "as_of": "at"}},
    ),
    fact_now=fact(
        f"SELECT id FROM generate_series(0, {MEMBERS - 1}) AS id",
        "id",
        load="upsert",
        lookups={"now_key": USER, "always_key": {**USER, "key": "durable"}},
    ),
)


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE events (id int, city text, name text, at timestamp);"
        "CREATE TABLE sales (sale_id int, id int, at timestamp);"
        "INSERT INTO sales SELECT row_number() OVER (ORDER BY m, d), m, "
        f"timestamp '{START}' + d * interval '12h' "
        f"FROM generate_series(0, {MEMBERS - 1}) AS m, generate_series(-1, {2 * DAYS + 2}) AS d;"
        "GRANT SELECT ON events, sales TO PUBLIC"
    )
    return stars


@settings(
    max_examples=examples(10),
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # a run of the engine is too slow to shrink by
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(histories)
def test_members_go_and_return_in_any_batches(shop, histories):
    shop.warehouse("DROP TABLE IF EXISTS fact_sale, fact_now, dim_user CASCADE")
    members = [Member() for _ in histories]
    known: list[bool] = []
    for number in range(4):
        send(shop, [history[number] for history in histories])
        shop.run(STAR)
        for member, history in zip(members, histories, strict=True):
            member.read(history[number])
        assert rows(shop) == [row for member in members for row in member.rows()]
        assert last(shop) == [(member.rows() or [None])[-1] for member in members]
        known = known or [bool(member.versions) for member in members]
        for (m, half_day, city, found), member in located(shop, members):
            version = member.at(half_day) if known[m] else None
            assert found == known[m]
            assert version is None or city == version.city
    before = untouched(shop)
    shop.run(STAR)
    assert untouched(shop) == before, "a batch that is read again changes nothing"


def send(shop, batches):
    """Let the source show these events, by member, and no others."""
    values = [
        f"({m}, {text(e.city)}, {text(e.name)}, '{START + timedelta(days=e.at)}')"
        for m, events in enumerate(batches)
        for e in events
    ]
    insert = f"INSERT INTO events VALUES {', '.join(values)}" if values else "SELECT"
    shop.source(f"TRUNCATE events; {insert}")


def text(value):
    return "NULL" if value is None else f"'{value}'"


def moment(value):
    """Return a time of the warehouse as the oracle has it."""
    if value is None or "infinity" in value:
        return value
    passed = datetime.fromisoformat(value) - START
    return 2 * passed.days + (passed.microseconds > 0)


VERSION = "u.city, u.name, u.valid_from::text, u.valid_to::text, u.deleted_at::text, u.is_current"


def rows(shop):
    """Return the versions, by member and in the order of time."""
    return versions(shop, "dim_user AS u WHERE key > 0 ORDER BY id, valid_from")


def last(shop):
    """Return the version of each member that a lookup without a time finds, None where it finds none.

    The durable key that is found beside it must be that of the same member.
    """
    found = "(now_key > 0) IS NOT DISTINCT FROM (always_key > 0)"
    assert shop.column(f"SELECT id FROM fact_now WHERE NOT {found}") == []
    at = "u.id = f.id AND u.key = f.now_key AND u.dkey = f.always_key"
    whole = versions(shop, f"fact_now AS f LEFT JOIN dim_user AS u ON {at} ORDER BY f.id")
    return [None if version[2] is None else version for version in whole]


def versions(shop, origin):
    return [
        (c, n, moment(f), moment(t), moment(d), current)
        for c, n, f, t, d, current in shop.warehouse(f"SELECT {VERSION} FROM {origin}")
    ]


def located(shop, members):
    """Return member, half day, city and whether it was found of each fact, and the oracle's member."""
    facts = shop.warehouse(
        "SELECT sale_id, city, user_key > 0 FROM fact_sale JOIN dim_user ON key = user_key ORDER BY 1"
    )
    each = 2 * DAYS + 4
    for sale_id, city, found in facts:
        m, n = divmod(sale_id - 1, each)
        yield (m, n - 1, city, found), members[m]
