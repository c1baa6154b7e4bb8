"""Early facts, held rows, deletes, returns, late and tied changes in one: what the oracle says (TRAPS 36)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.integration.stars import dimension, fact, star, untouched
from tests.oracle.deletes import Member
from tests.oracle.history import EVER, NEVER, Event

STORIES = 50  # in one example, each of a member and its facts: 10 examples are 500
BATCHES = 4
# As long ago and as far ahead as a day can be; the others are so far ahead of the clock of the run that the
# end of a version is told by its last event. The first one has no event: its end would be told by the clock.
DAYS = ("4713-01-02 BC", *(f"3000-01-{day:02}" for day in range(1, 10)), "294270-12-31")
AMOUNTS = ("NaN", "Infinity", "-0.0000000001", "9" * 60 + "." + "9" * 40, "1.00", None)
CITIES = (None, "", "Rome", "Łódź 東京")


@dataclass(frozen=True)
class Sale:
    """A fact as the source sends it, once; without a guest it has the unknown member."""

    day: int
    amount: str | None
    guest: bool = True


@dataclass
class Told:
    """What the warehouse must have of a story: its member, its facts by batch, and its places."""

    member: Member = field(default_factory=Member)
    early: bool = False  # a fact has asked for the member before a row told of it
    shop: bool = False
    store: bool = False
    waiting: dict[int, Sale] = field(default_factory=dict)
    loaded: dict[int, tuple[Sale, bool]] = field(
        default_factory=dict
    )  # and whether a version was found

    def read(self, number: int, sale: Sale | None, events: list[Event]) -> None:
        """Take a batch: first what it says of the member, then the fact that it has, and those that wait."""
        self.member.read({event.at: event for event in events}.values())  # of a tie the last one
        if sale:
            self.waiting[number] = sale
        self.early |= any(s.guest for s in self.waiting.values()) and not self.member.versions
        if self.store:
            for batch, one in self.waiting.items():
                found = not self.member.versions or self.member.at(2 * one.day) is not None
                self.loaded[batch] = (one, one.guest and found)
            self.waiting = {}

    @property
    def inferred(self) -> bool:
        """Whether nobody but facts knows the member."""
        return self.early and not self.member.versions


sale = st.builds(
    Sale,
    st.integers(0, len(DAYS) - 1),
    st.sampled_from(AMOUNTS),
    st.sampled_from((True, True, True, True, False)),
)
event = st.builds(
    Event,
    st.integers(1, len(DAYS) - 1),
    st.sampled_from(CITIES),
    st.sampled_from(("Ada", "Zoë", None)),
)
events = st.one_of(st.just([]), st.lists(event, max_size=3))
whens = st.integers(0, BATCHES)  # the batch in which a place is there first; the last is never
batches = st.lists(st.tuples(st.none() | sale, events), min_size=BATCHES, max_size=BATCHES)
story = st.tuples(batches, whens, whens)

LOOKUPS = {
    "user_key": {"dimension": "dim_user", "on": "guest", "as_of": "at", "missing": "infer"},
    "shop_key": {"dimension": "dim_shop", "on": "story", "missing": "infer"},
    "store_key": {"dimension": "dim_store", "on": "story", "missing": "hold"},
}
UNKNOWN = {"unknown": {"key": -1}}


def stars_of(*, deletes: bool):
    """Return the star; without deletes a batch tells what is new, and of the rest nothing."""
    users = dimension(
        "SELECT id, city, name, at, seq FROM events",
        {"id": None, "city": {"scd": 2}, "name": None},
        history={"effective": "at"},
        dedupe="seq DESC",
        special_members=UNKNOWN,
    )
    if deletes:
        users["source"]["deletes"] = {"policy": "close", "max": "100%"}
    columns = {"id": None, "name": {"scd": 0}}
    shops = dimension("SELECT id, name FROM shops", columns, special_members=UNKNOWN)
    stores = dimension("SELECT id, name FROM stores", columns, special_members=UNKNOWN)
    return star(
        dim_user=users,
        dim_shop={**shops, "load": "insert"},
        dim_store=stores,
        fact_sale=fact(
            "SELECT id, story, guest, at, amount FROM sales",
            "id at amount",
            load="upsert",
            lookups=LOOKUPS,
        ),
    )


STAR, ONLY_NEW = stars_of(deletes=True), stars_of(deletes=False)


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE events (id numeric, city text, name text, at timestamp, seq int);"
        "CREATE TABLE shops (id int, name text); CREATE TABLE stores (id int, name text);"
        "CREATE TABLE sales (id int, story int, guest numeric, at timestamp, amount numeric);"
        "GRANT SELECT ON events, shops, stores, sales TO PUBLIC"
    )
    return stars


SETTINGS = {
    "deadline": None,
    "phases": (Phase.explicit, Phase.generate),  # a run of the engine is too slow to shrink by
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=examples(10), **SETTINGS)
@given(st.lists(story, min_size=STORIES, max_size=STORIES))
def test_early_facts_find_in_the_end_what_was_valid_at_their_time(shop, stories):
    afresh(shop)
    told = [Told() for _ in stories]
    for number in range(BATCHES):
        for (batch, shop_at, store_at), one in zip(stories, told, strict=True):
            one.shop, one.store = shop_at <= number, store_at <= number
            one.read(number, *batch[number])
        send(
            shop,
            [(n, number, batch[number][0]) for n, (batch, *_) in enumerate(stories)],
            [batch[number][1] for batch, *_ in stories],
            told,
        )
        shop.run(STAR)
        assert versions(shop) == expected_versions(told)
        compare_facts(shop, told)
    before = untouched(shop)
    shop.source("TRUNCATE sales")
    shop.run(STAR)
    assert untouched(shop) == before, "what was read before changes nothing"


placed = st.tuples(
    st.lists(st.tuples(sale, whens), max_size=3), st.lists(st.tuples(event, whens), max_size=4)
)


@settings(max_examples=examples(4), **SETTINGS)
@given(st.lists(st.tuples(placed, whens, whens), min_size=STORIES, max_size=STORIES))
def test_one_batch_or_many_give_the_same_star(shop, stories):
    found = []
    for cut in (lambda at: at, lambda _: BATCHES):  # as they come, or all in the last batch
        afresh(shop)
        for number in range(BATCHES + 1):
            told = [Told(shop=cut(s) <= number, store=cut(k) <= number) for _, s, k in stories]
            sales = [
                (n, nth, one)
                for n, ((all_sales, _), *_) in enumerate(stories)
                for nth, (one, at) in enumerate(all_sales)
                if cut(at) == number
            ]
            # Of changes of one time the later batch wins, so together they come in the order of batches.
            changes = [
                [e for e, at in sorted(all_events, key=lambda pair: pair[1]) if cut(at) == number]
                for (_, all_events), *_ in stories
            ]
            if any(changes) or sales or number == BATCHES:
                send(shop, sales, changes, told)
                shop.run(ONLY_NEW)
        found.append(whole(shop))
    assert found[0] == found[1]


def afresh(shop):
    shop.warehouse(
        'DROP TABLE IF EXISTS fact_sale, dim_user, dim_shop, dim_store, engine."held.little.fact_sale"'
    )


def key(n):
    """Return the natural key of a story's member: a number that is none, very long ones, small ones."""
    return "NaN" if n == 0 else f"{n}{'0' * 60}.{'0' * 30}5" if n % 3 == 1 else str(n)


def send(shop, sales, events, told):
    """Let the source show these facts, these events by member, and the places that are known."""
    rows = [
        f"({10 * n + number}, {n}, {literal(key(n) if s.guest else None)}, "
        f"'{DAYS[s.day]}', {literal(s.amount)})"
        for n, number, s in sales
        if s
    ]
    changes = [
        f"({literal(key(n))}, {literal(e.city)}, {literal(e.name)}, '{DAYS[e.at]}', {seq})"
        for n, of in enumerate(events)
        for seq, e in enumerate(of)
    ]
    places = {
        "shops": [f"({n}, 'shop {n}')" for n, one in enumerate(told) if one.shop],
        "stores": [f"({n}, 'store {n}')" for n, one in enumerate(told) if one.store],
    }
    tables = {"sales": rows, "events": changes, **places}
    shop.source(
        "TRUNCATE events, sales, shops, stores;"
        + "".join(f"INSERT INTO {n} VALUES {', '.join(of)};" for n, of in tables.items() if of)
    )


def literal(value):
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def moment(value):
    """Return a time of the warehouse as the oracle has it: two for each day, the second an instant later."""
    if value is None or "infinity" in value:
        return value
    day, time, *era = value.split(" ")
    return 2 * DAYS.index(" ".join((day, *era))) + ("." in time)


def versions(shop):
    """Return the versions, by member and in the order of time."""
    found = shop.warehouse(
        "SELECT id::text, city, name, valid_from::text, valid_to::text, deleted_at::text, is_current, "
        "is_inferred FROM dim_user AS u WHERE key > 0 ORDER BY u.id, u.valid_from"
    )
    numbers = {key(n): n for n in range(STORIES)}
    rows = [
        (numbers[id_], city, name, moment(since), moment(until), moment(end), current, inferred)
        for id_, city, name, since, until, end, current, inferred in found
    ]
    return sorted(rows, key=lambda row: row[0])


def expected_versions(told):
    """Return what the oracle says of that: an inferred member has one version, of which nothing is known."""
    of_nobody = (None, None, EVER, NEVER, None, True, True)
    return [
        (n, *version)
        for n, one in enumerate(told)
        for version in ([of_nobody] if one.inferred else [(*v, False) for v in one.member.rows()])
    ]


FACTS = (
    "SELECT f.id, f.at::text, f.amount::text, u.key > 0, u.city, u.name, u.is_inferred, s.name, "
    "s.is_inferred, t.name FROM fact_sale AS f JOIN dim_user AS u ON u.key = f.user_key "
    "JOIN dim_shop AS s ON s.key = f.shop_key JOIN dim_store AS t ON t.key = f.store_key ORDER BY 1"
)


def compare_facts(shop, told):
    """Compare each fact, what it refers to, and how many wait."""
    waiting = sum(len(one.waiting) for one in told)
    assert shop.column('SELECT count(*) FROM engine."held.little.fact_sale"') == [waiting]
    rows = {row[0]: row[1:] for row in shop.warehouse(FACTS)}
    assert rows.keys() == {10 * n + b for n, one in enumerate(told) for b in one.loaded}
    for n, one in enumerate(told):
        for batch, (said, found) in one.loaded.items():
            at, amount, known, city, name, inferred, shop_name, shop_inferred, store = rows[
                10 * n + batch
            ]
            assert (moment(at), amount, known, store) == (
                2 * said.day,
                said.amount,
                found,
                f"store {n}",
            )
            assert (shop_name, shop_inferred) == (f"shop {n}" if one.shop else None, not one.shop)
            version = one.member.at(2 * said.day)
            if found:
                assert inferred == (not one.member.versions)
            if found and version:  # else it has ended, and stays what the fact refers to
                assert (city, name) == (version.city, one.member.name)


def whole(shop):
    """Return each fact with what it refers to, and each member with what it is now."""
    members = (
        "SELECT id::text, city, name, is_inferred FROM dim_user WHERE is_current ORDER BY id",
        "SELECT id::text, name, is_inferred FROM dim_shop ORDER BY id",
    )
    return [shop.warehouse(sql) for sql in (FACTS, *members)]
