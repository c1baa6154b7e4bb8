"""Histories made by Hypothesis, cut into batches at random: the warehouse holds what the oracle says."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.integration.stars import dimension, fact, star, untouched
from tests.oracle.history import Event, Member

START = datetime.fromisoformat("2026-01-01")
MEMBERS = 50  # in one example, so that 10 examples are 500 histories
FEWER = 25  # where each example takes twelve runs: 4 examples are 100 histories
CITIES = (None, "", "Rome", "Łódź 東京", "a" * 300)
COLUMNS = {
    "id": None,
    "city": {"scd": 2},
    "segment": {"scd": 2},
    "previous_city": {"previous": "city"},
    "name": None,
}

event = st.builds(
    Event,
    st.integers(0, 12),
    st.sampled_from(CITIES),
    st.sampled_from(("Ada", "Zoë", None)),
    st.sampled_from(("private", "trade")),
)
# No two events of one time in a batch: that is refused, which has a test of its own.
batch = st.lists(event, max_size=5, unique_by=lambda e: e.at)
history = st.lists(batch, min_size=1, max_size=4)
histories = st.lists(history, min_size=MEMBERS, max_size=MEMBERS)

STAR = star(
    dim_user=dimension(
        "SELECT id, city, segment, name, at FROM events",
        COLUMNS,
        history={"effective": "at"},
        special_members={"unknown": {"key": -1}},
    ),
    fact_sale=fact(
        "SELECT sale_id, id, at FROM sales",
        "sale_id at",
        lookups={"user_key": {"dimension": "dim_user", "on": "id", "as_of": "at"}},
    ),
)


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE events (id int, city text, segment text, name text, at timestamp);"
        "CREATE TABLE sales (sale_id int, id int, at timestamp);"
        "INSERT INTO sales SELECT row_number() OVER (ORDER BY m, d), m, "
        f"timestamp '{START}' + d * interval '12h' "
        f"FROM generate_series(0, {MEMBERS - 1}) AS m, generate_series(-3, 27) AS d;"
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
# TRAPS 28 to 33
def test_any_history_in_any_batches(shop, histories):
    shop.warehouse("DROP TABLE IF EXISTS fact_sale, dim_user")
    members = [Member() for _ in histories]
    for number in range(max(map(len, histories))):
        told = {m: h[number] for m, h in enumerate(histories) if number < len(h)}
        send(shop, told)
        shop.run(STAR)
        for m, events in told.items():
            members[m].read(events)
        found = rows(shop)
        for m, member in enumerate(members):
            assert found.get(m, []) == member.rows()
        if number == 0:  # a fact that found nobody keeps the unknown member
            known = [bool(member.versions) for member in members]
        assert pointed(shop) == meant(members, known)
    before = untouched(shop)
    shop.run(STAR)
    assert untouched(shop) == before, "a batch that is read again changes nothing"
    assert broken(shop) == 0


@settings(
    max_examples=examples(4),
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # a run of the engine is too slow to shrink by
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.lists(event, max_size=8, unique_by=lambda e: e.at), min_size=FEWER, max_size=FEWER)
)
def test_events_in_order_give_the_same_star_in_one_batch_or_in_many(shop, histories):
    ordered = [sorted(events, key=lambda e: e.at) for events in histories]
    found = []
    for size in (8, 1, 3):
        shop.warehouse("DROP TABLE IF EXISTS fact_sale, dim_user")
        for first in range(0, 8, size):
            send(shop, {m: events[first : first + size] for m, events in enumerate(ordered)})
            shop.run(STAR)
        found.append((rows(shop), pointed(shop)))
    assert found[0] == found[1] == found[2]


def send(shop, told):
    """Let the source show these events, by member, and no others."""
    values = [
        f"({m}, {text(e.city)}, {text(e.segment)}, {text(e.name)}, '{START + timedelta(days=e.at)}')"
        for m, events in told.items()
        for e in events
    ]
    insert = f"INSERT INTO events VALUES {', '.join(values)}" if values else "SELECT"
    shop.source(f"TRUNCATE events; {insert}")


def text(value):
    return "NULL" if value is None else f"'{value}'"


def day(value):
    """Return a time of the warehouse as the oracle has it."""
    return value if "infinity" in value else (datetime.fromisoformat(value) - START).days


def rows(shop):
    """Return the versions of each member, in the order of time."""
    found: dict[int, list[tuple]] = {}
    for m, *values, since, until, current in shop.warehouse(
        "SELECT id, city, segment, previous_city, name, valid_from::text, valid_to::text, is_current "
        "FROM dim_user WHERE key > 0 ORDER BY id, valid_from"
    ):
        found.setdefault(m, []).append((*values, day(since), day(until), current))
    return found


def pointed(shop):
    """Return what city each fact refers to, and whether to anybody."""
    return shop.warehouse(
        "SELECT sale_id, user_key > 0, city FROM fact_sale JOIN dim_user ON key = user_key ORDER BY 1"
    )


def meant(members, known):
    """Return what city each fact must refer to: the one at its time, when its member was known then."""
    cities = [
        member.at(half_day // 2) if there else None
        for member, there in zip(members, known, strict=True)
        for half_day in range(-3, 28)
    ]
    return [(n, c is not None, c.city if c else None) for n, c in enumerate(cities, 1)]


def broken(shop):
    """Count the gaps and overlaps between the versions of a member."""
    (count,) = shop.column(
        "SELECT count(*) FROM (SELECT valid_to, lead(valid_from) OVER w AS next, valid_from, "
        "lag(valid_from) OVER w AS last FROM dim_user WHERE key > 0 "
        "WINDOW w AS (PARTITION BY id ORDER BY valid_from)) AS v "
        "WHERE valid_to IS DISTINCT FROM coalesce(next, 'infinity') "
        "OR (last IS NULL AND valid_from <> '-infinity')"
    )
    return count
