"""Lookups of members that are closed: what has come keeps its key, as of a time only a version is found."""

from __future__ import annotations

import pytest

from engine.errors import CheckFailedError, MappingError
from tests.integration.stars import UNKNOWN, counts, dimension, fact, star, untouched

GUEST = {"dimension": "dim_guest", "on": "guest_id"}
LOOKUPS = {
    "then_key": {**GUEST, "as_of": "at"},
    "now_key": GUEST,
    "guest_dkey": {**GUEST, "key": "durable"},
}
KEYS = "SELECT id, now_key, guest_dkey FROM fact_visit ORDER BY id"


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE guests (id int, city text, at timestamp);"
        "CREATE TABLE visits (id int, guest_id int, amount int, at timestamp, ts timestamp);"
        "GRANT SELECT ON guests, visits TO PUBLIC;"
        "INSERT INTO guests VALUES (1, 'Rome', '2026-01-01'), (2, 'Bonn', '2026-01-01');"
        "INSERT INTO visits SELECT n, n, 5, '2026-01-05', '2026-01-05' FROM generate_series(1, 2) AS n"
    )
    return stars


def guests(policy="close"):
    entry = dimension(
        "SELECT * FROM guests",
        {"id": None, "city": {"scd": 2}},
        cursor="at",
        durable_key="dkey",
        history={"effective": "at"},
        special_members=UNKNOWN,
    )
    if policy:
        entry["source"]["deletes"] = {"policy": policy, "max": "100%"}
    return entry


def visits(lookups=LOOKUPS, policy="close", **more):
    return star(
        dim_guest=guests(policy),
        fact_visit=fact(
            "SELECT * FROM visits",
            "id amount at",
            **{"load": "upsert", "cursor": "ts", "lookups": lookups, **more},
        ),
    )


def missing(how):
    return {name: {**LOOKUPS[name], "missing": how} for name in ("now_key", "guest_dkey")}


def leave(shop, id_=2):
    shop.source(f"DELETE FROM guests WHERE id = {id_}")


def move(shop, id_, city, day):
    shop.source(f"INSERT INTO guests VALUES ({id_}, '{city}', '2026-01-{day:02}')")


def test_facts_keep_the_keys_of_a_closed_member_when_all_is_read_again(shop):
    move(shop, 2, "Kiel", 3)  # of two versions it is the last
    shop.run(visits())
    before = shop.warehouse(KEYS)
    last, durable = shop.warehouse(
        "SELECT max(key) FILTER (WHERE city = 'Kiel'), max(dkey) FROM dim_guest WHERE id = 2"
    )[0]
    assert before[1] == (2, last, durable)
    leave(shop)
    assert counts(shop.run(visits()), "dim_guest")["deleted"] == 1  # reads the border of the cursor
    assert shop.warehouse(KEYS) == before
    still = untouched(shop)
    shop.run(visits(), full_refresh=True)
    assert untouched(shop) == still


def test_a_fact_of_a_closed_member_is_updated_and_one_that_comes_late_finds_it(shop):
    shop.run(visits())
    before = shop.warehouse(KEYS)
    leave(shop)
    shop.source(
        "UPDATE visits SET amount = 7, ts = '2026-02-01' WHERE id = 2;"
        "INSERT INTO visits VALUES (3, 2, 1, '3000-01-01', '2026-02-01')"  # after its end
    )
    assert counts(shop.run(visits()), "fact_visit")["updated"] == 1
    now, durable = before[1][1:]
    assert shop.warehouse(KEYS) == [*before, (3, now, durable)]
    assert shop.column("SELECT then_key FROM fact_visit WHERE id IN (2, 3) ORDER BY id") == [
        now,
        -1,
    ]
    assert shop.column("SELECT amount FROM fact_visit WHERE id = 2") == [7]


@pytest.mark.parametrize("how", ["hold", "fail", "reject", "infer"])
def test_a_closed_member_is_not_missing(shop, how):
    little = visits(missing(how))
    shop.run(little)
    before = shop.warehouse(KEYS)
    leave(shop)
    shop.source("UPDATE visits SET amount = 7, ts = '2026-02-01' WHERE id = 2")
    done = counts(shop.run(little), "fact_visit")
    assert done["updated"] == 1
    assert not {"held", "rejected"} & {*done}
    assert shop.warehouse(KEYS) == before
    assert shop.column("SELECT count(*) FROM dim_guest WHERE key > 0") == [2], "none is made anew"
    shop.run(little, full_refresh=True)
    assert shop.warehouse(KEYS) == before


def test_a_member_that_never_was_is_missing_still(shop):
    little = visits(missing("fail"))
    leave(shop, 1)
    with pytest.raises(CheckFailedError, match="such as id = 1"):
        shop.run(little)


def test_a_row_that_waits_is_released_by_a_member_that_is_closed(shop):
    little = visits(missing("hold"))
    leave(shop)
    shop.source(
        "INSERT INTO visits VALUES (3, 1, 5, '2026-01-06', '2026-01-06')"
    )  # the next border
    assert counts(shop.run(little), "fact_visit")["held"] == 1
    # The member comes by a row of the source and is gone again before a fact is tried.
    move(shop, 2, "Bonn", 1)
    shop.run(little, "dim_guest", full_refresh=True)
    leave(shop)
    done = counts(shop.run(little), "fact_visit")
    assert done["released"] == 1
    assert shop.column("SELECT now_key > 0 AND guest_dkey > 0 FROM fact_visit WHERE id = 2") == [
        True
    ]


def test_a_member_that_was_closed_and_returned_is_found_once(shop):
    shop.run(visits())
    durable = shop.column("SELECT dkey FROM dim_guest WHERE id = 2")
    leave(shop)
    shop.run(visits())
    shop.source(
        "INSERT INTO guests VALUES (2, 'Bonn', '3000-01-01')"
    )  # after its end: another version
    again = counts(shop.run(visits(), full_refresh=True), "fact_visit")
    assert again["read"] == 2
    newest = "SELECT key FROM dim_guest WHERE id = 2 ORDER BY valid_from DESC LIMIT 1"
    assert shop.column("SELECT now_key FROM fact_visit WHERE id = 2") == shop.column(newest)
    # Gone a second time: of two versions at whose end it was gone only the last is found.
    leave(shop)
    shop.run(visits())
    assert shop.column(
        "SELECT count(*) FROM dim_guest WHERE id = 2 AND deleted_at IS NOT NULL"
    ) == [2]
    before = untouched(shop)
    shop.run(visits(), full_refresh=True)
    assert untouched(shop) == before
    assert shop.column("SELECT now_key FROM fact_visit WHERE id = 2") == shop.column(newest)
    assert shop.column("SELECT guest_dkey FROM fact_visit WHERE id = 2") == durable
    assert shop.column("SELECT count(*) FROM fact_visit") == [2]


@pytest.mark.parametrize("policy", [None, "flag", "remove"])
def test_members_that_were_closed_are_found_where_the_mapping_says_so_no_more(shop, policy):
    shop.run(visits())
    before = shop.warehouse(KEYS)
    leave(shop)
    shop.run(visits())
    if policy:  # the type is another one where the clock of the run says it
        with pytest.raises(MappingError, match="a change could lose data"):
            shop.run(visits(policy=policy))
        shop.warehouse("ALTER TABLE dim_guest ALTER COLUMN deleted_at TYPE timestamptz")
    for _ in range(2):  # the second time its table has the columns of the policy
        shop.run(visits(policy=policy), full_refresh=True)
        assert shop.warehouse(KEYS) == before
    assert shop.column("SELECT count(*) FROM dim_guest WHERE id = 2 AND is_current") == [0]


def test_a_dimension_keeps_the_durable_key_of_a_closed_member_and_makes_no_version_of_it(shop):
    little = visits()
    little["dimensions"]["dim_card"] = dimension(
        "SELECT id AS card, guest_id, amount, ts FROM visits",
        {"card": None, "amount": {"scd": 2}},
        cursor="ts",
        history={"effective": "ts"},
        lookups={"owner_key": {**GUEST, "key": "durable", "scd": 2}},
    )
    shop.run(little)
    before = shop.warehouse("SELECT card, owner_key FROM dim_card ORDER BY 1")
    leave(shop)
    shop.run(little)
    shop.run(little, full_refresh=True)
    assert shop.warehouse("SELECT card, owner_key FROM dim_card ORDER BY 1") == before
