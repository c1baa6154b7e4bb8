"""Facts that come before their members, in any batches: each waits for the version of its time (TRAPS 33)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.integration.stars import dimension, fact, star, untouched
from tests.oracle.history import Event, Member

START = datetime.fromisoformat("2026-01-01")
STORIES = 50  # in one example, each of a member and a fact of it: 10 examples are 500
BATCHES = 4
AMOUNTS = ("NaN", "Infinity", "-0.0000000001", "9" * 60 + "." + "9" * 40, "1.00", None)
NOTES = (None, "", "Łódź 東京 '", "NULL", r"\N", "a\nb")
CITIES = (None, "Rome", "Łódź 東京")


@dataclass(frozen=True)
class Sale:
    """A fact as the source sends it; without a guest it waits for nobody."""

    day: int
    amount: str | None
    note: str | None
    guest: bool = True


sale = st.builds(
    Sale,
    st.integers(0, 9),
    st.sampled_from(AMOUNTS),
    st.sampled_from(NOTES),
    st.sampled_from((True, True, True, False)),
)
event = st.builds(Event, st.integers(0, 9), st.sampled_from(CITIES), st.just("Ada"))
events = st.lists(event, max_size=2, unique_by=lambda e: e.at)
story = st.lists(st.tuples(st.none() | sale, events), min_size=BATCHES, max_size=BATCHES)

STAR = star(
    dim_user=dimension(
        "SELECT id, city, name, at FROM events",
        {"id": None, "city": {"scd": 2}, "name": None},
        history={"effective": "at", "first": "effective"},
        special_members={"unknown": {"key": -1}},
    ),
    fact_sale=fact(
        "SELECT id, guest, at, amount, note FROM sales",
        "id at amount note",
        load="upsert",
        lookups={
            "user_key": {"dimension": "dim_user", "on": "guest", "as_of": "at", "missing": "hold"}
        },
    ),
)


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE events (id int, city text, name text, at timestamp);"
        "CREATE TABLE sales (id int, guest int, at timestamp, amount numeric, note text);"
        "GRANT SELECT ON events, sales TO PUBLIC"
    )
    return stars


SETTINGS = {
    "deadline": None,
    "phases": (Phase.explicit, Phase.generate),  # a run of the engine is too slow to shrink by
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=examples(10), **SETTINGS)
@given(st.lists(story, min_size=STORIES, max_size=STORIES))
def test_a_fact_waits_until_a_member_of_its_time_is_there(shop, stories):
    afresh(shop)
    members = [Member() for _ in stories]
    waiting: dict[int, Sale] = {}
    loaded: dict[int, Sale] = {}
    for number in range(BATCHES):
        batch = [story[number] for story in stories]
        send(shop, {n: told for n, (told, _) in enumerate(batch) if told}, [e for _, e in batch])
        shop.run(STAR)
        for n, (told, events) in enumerate(batch):
            members[n].read(events)
            if told:
                waiting[n] = told
        found = [n for n, one in waiting.items() if not one.guest or located(members[n], one.day)]
        loaded |= {n: waiting.pop(n) for n in found}
        assert shop.column('SELECT count(*) FROM engine."held.little.fact_sale"') == [len(waiting)]
        assert facts(shop) == [
            (n, one.day, one.amount, one.note, city_of(members[n], one))
            for n, one in sorted(loaded.items())
        ]
    before = untouched(shop)
    send(shop, {}, [])
    shop.run(STAR)
    assert untouched(shop) == before, "rows that wait in vain change nothing"


begins = st.integers(0, BATCHES - 1)
ordered = st.lists(event, max_size=4, unique_by=lambda e: e.at).map(
    lambda told: sorted(told, key=lambda e: e.at)
)


@settings(max_examples=examples(4), **SETTINGS)
@given(st.lists(st.tuples(sale, begins, ordered, begins), min_size=STORIES, max_size=STORIES))
def test_one_batch_or_many_give_the_same_star(shop, stories):
    afresh(shop)
    send(shop, {n: one for n, (one, *_) in enumerate(stories)}, [told for _, _, told, _ in stories])
    shop.run(STAR)
    once = facts(shop)
    afresh(shop)
    for number in range(BATCHES):
        sales = {n: one for n, (one, at, *_) in enumerate(stories) if at == number}
        send(shop, sales, [part(told, number - first, number) for *_, told, first in stories])
        shop.run(STAR)
    assert facts(shop) == once


def part(events, nth, number):
    """Return the nth event, or in the last batch all from that one on; none before the first."""
    if nth < 0:
        return []
    return events[nth:] if number == BATCHES - 1 else events[nth : nth + 1]


def afresh(shop):
    shop.warehouse('DROP TABLE IF EXISTS fact_sale, dim_user, engine."held.little.fact_sale"')


def send(shop, sales, events):
    """Let the source show these facts, and these events by member, and no others."""
    told = [
        f"({n}, {n if one.guest else 'NULL'}, '{START + timedelta(days=one.day)}', "
        f"{text(one.amount)}, {text(one.note)})"
        for n, one in sales.items()
    ]
    known = [
        f"({n}, {text(e.city)}, {text(e.name)}, '{START + timedelta(days=e.at)}')"
        for n, of in enumerate(events)
        for e in of
    ]
    shop.source(
        "TRUNCATE events, sales;"
        + (f"INSERT INTO sales VALUES {', '.join(told)};" if told else "")
        + (f"INSERT INTO events VALUES {', '.join(known)};" if known else "")
    )


def text(value):
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def facts(shop):
    """Return each fact as it was loaded, with the city of the version that it refers to."""
    return shop.warehouse(
        f"SELECT f.id, (f.at::date - date '{START:%F}'), f.amount::text, f.note, u.city "
        "FROM fact_sale AS f JOIN dim_user AS u ON u.key = f.user_key ORDER BY 1"
    )


def located(member, day):
    """Say whether a version was valid on a day: the first one begins with its event."""
    return bool(member.versions) and member.versions[0].changed <= day


def city_of(member, one):
    return member.at(one.day).city if one.guest else None
