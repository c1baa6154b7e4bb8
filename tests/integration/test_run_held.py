"""Rows of a fact that wait for a member: kept as they are, tried again in each run, released, replaced."""

from __future__ import annotations

import pytest

from engine.errors import MappingError
from tests.integration.stars import UNKNOWN, counts, dimension, fact, notices, star, untouched


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE guests (id int, name text, at timestamp);"
        "CREATE TABLE visits (id int, guest_id int, amount numeric, note json, photo bytea, "
        "  seen timestamptz, at timestamp);"
        "GRANT SELECT ON guests, visits TO PUBLIC;"
        "INSERT INTO guests VALUES (1, 'Ada', '2026-01-01')"
    )
    return stars


LOOKUP = {"dimension": "dim_guest", "on": "guest_id", "missing": "hold"}


def visits(lookup=LOOKUP, history=False, **more):
    name = {"scd": 2} if history else None
    guests = dimension(
        "SELECT * FROM guests",
        {"id": None, "name": name},
        cursor="at",
        special_members=UNKNOWN,
        **({"history": {"effective": "at", "first": "effective"}} if history else {}),
    )
    given = {"load": "upsert", "cursor": "at", **more}
    columns = "id amount note photo seen at"
    return star(
        dim_guest=guests,
        fact_visit=fact("SELECT * FROM visits", columns, lookups={"guest_key": lookup}, **given),
    )


def visit(shop, id_, guest, day, *more):
    amount, note, photo, seen = more or ("1", "'1'", "''", "'2026-01-01'")
    guest = "NULL" if guest is None else guest
    shop.source(
        f"DELETE FROM visits WHERE id = {id_}; INSERT INTO visits VALUES "
        f"({id_}, {guest}, {amount}, {note}, {photo}, {seen}, '2026-01-{day:02}')"
    )


def guest(shop, id_, name, day):
    shop.source(f"INSERT INTO guests VALUES ({id_}, '{name}', '2026-01-{day:02}')")


LOADED = (
    "SELECT f.id, g.name FROM fact_visit AS f JOIN dim_guest AS g ON g.key = guest_key ORDER BY 1"
)
WAITING = 'SELECT count(*) FROM engine."held.little.fact_visit"'


def test_rows_wait_and_are_loaded_as_they_were_when_the_source_sends_nothing(shop):
    visit(shop, 1, 1, 1)
    visit(shop, 2, 2, 1, "'NaN'", r"""'{"a": "\u0000", "a" : 1}'""", r"'\x00ff'", "'infinity'")
    visit(shop, 3, 3, 1, "1e-30", "'1'", "''", "'2026-01-01'")
    visit(shop, 4, None, 1)
    report = shop.run(visits())
    assert counts(report, "fact_visit") == {"read": 4, "inserted": 2, "held": 2}
    assert "2 rows wait for a member, the oldest for 0 s" in notices(report)
    assert shop.warehouse(LOADED) == [(1, "Ada"), (4, None)], "without a key nobody is waited for"
    shop.source("TRUNCATE visits")  # it sends nothing, and has nothing any more
    still = untouched(shop), untouched(shop, "engine")["held.little.fact_visit"]
    assert counts(shop.run(visits()), "fact_visit") == {}
    assert (untouched(shop), untouched(shop, "engine")["held.little.fact_visit"]) == still
    guest(shop, 2, "Bob", 2)
    report = shop.run(visits())
    assert counts(report, "fact_visit") == {"inserted": 1, "released": 1}
    assert "1 row waits for a member" in notices(report)
    assert shop.warehouse(
        "SELECT amount::text, note::text, photo = '\\x00ff', seen = 'infinity' FROM fact_visit WHERE id = 2"
    ) == [("NaN", r'{"a": "\u0000", "a" : 1}', True, True)]
    guest(shop, 3, "Cy", 3)
    assert "wait" not in notices(shop.run(visits()))
    assert shop.warehouse(LOADED) == [(1, "Ada"), (2, "Bob"), (3, "Cy"), (4, None)]
    assert shop.column("SELECT amount::text FROM fact_visit WHERE id = 3") == [f"0.{'0' * 29}1"]
    assert shop.column(WAITING) == [0]


def test_a_newer_row_takes_the_place_of_the_one_that_waits_and_its_age(shop):
    visit(shop, 2, 2, 1)
    shop.run(visits())
    shop.warehouse(
        'UPDATE engine."held.little.fact_visit" SET "$since" = now() - interval \'50 hours\''
    )
    visit(shop, 2, 3, 2, "2", "'1'", "''", "'2026-01-01'")
    report = shop.run(visits())
    assert counts(report, "fact_visit") == {"read": 1, "held": 1}
    assert "1 row waits for a member, the oldest for 2 d 2 h" in notices(report)
    guest(shop, 2, "Bob", 2)
    assert "released" not in counts(shop.run(visits()), "fact_visit")
    guest(shop, 3, "Cy", 3)
    shop.run(visits(), full_refresh=True)
    assert shop.warehouse("SELECT id, amount::text FROM fact_visit") == [(2, "2")]
    assert shop.column(WAITING) == [0]


def test_the_version_that_is_found_in_the_end_is_that_of_the_event(shop):
    visit(shop, 1, 2, 5)
    mapping = visits({**LOOKUP, "as_of": "at"}, history=True)
    assert counts(shop.run(mapping), "fact_visit")["held"] == 1
    guest(shop, 2, "late", 8)  # it begins after the event: nobody yet
    assert "released" not in counts(shop.run(mapping), "fact_visit")
    shop.source("TRUNCATE visits; DELETE FROM guests WHERE id = 2")
    shop.source("INSERT INTO guests VALUES (2, 'then', '2026-01-04'), (2, 'now', '2026-01-09')")
    assert counts(shop.run(mapping, full_refresh=True), "fact_visit")["released"] == 1
    assert shop.warehouse(LOADED) == [(1, "then")]


def test_what_is_gone_from_the_source_waits_no_longer(shop):
    mapping = visits()
    mapping["facts"]["fact_visit"]["source"]["deletes"] = {"policy": "remove", "max": "100%"}
    visit(shop, 1, 1, 1)
    visit(shop, 2, 2, 1)
    visit(shop, 3, 3, 1)
    shop.run(mapping)
    shop.source("DELETE FROM visits WHERE id = 2")
    guest(shop, 2, "Bob", 2)
    guest(shop, 3, "Cy", 2)
    shop.run(mapping)
    assert shop.warehouse(LOADED) == [(1, "Ada"), (3, "Cy")]


def test_who_starts_over_has_no_rows_that_the_source_has_no_more(shop):
    for number in (2, 3):
        visit(shop, number, number, 1)
    shop.run(visits())
    shop.warehouse("DROP TABLE fact_visit, dim_guest")
    shop.source("DELETE FROM visits WHERE id = 3")
    assert counts(shop.run(visits()), "fact_visit") == {"read": 1, "held": 1}
    guest(shop, 2, "Bob", 2)
    guest(shop, 3, "Cy", 2)
    shop.run(visits())
    assert shop.warehouse(LOADED) == [(2, "Bob")]
    assert shop.column(WAITING) == [0]


def test_a_changed_definition_takes_the_rows_along(shop):
    visit(shop, 2, 2, 1)
    visit(shop, 3, 3, 1)
    shop.run(visits())
    shop.source("TRUNCATE visits; ALTER TABLE visits ADD more text")
    guest(shop, 2, "Bob", 2)
    report = shop.run(visits())
    assert counts(report, "fact_visit") == {"inserted": 1, "released": 1}
    # The word is taken out: what waits is loaded with the unknown member.
    report = shop.run(visits({**LOOKUP, "missing": "unknown"}))
    assert counts(report, "fact_visit") == {"inserted": 1, "released": 1}
    assert shop.warehouse(LOADED) == [(2, "Bob"), (3, None)]
    shop.run(visits())
    visit(shop, 4, 4, 5)
    shop.source("ALTER TABLE visits DROP more; ALTER TABLE visits ADD more text")
    shop.run(visits())
    shop.source("ALTER TABLE visits ALTER more TYPE int USING 1")
    with pytest.raises(MappingError, match="rows are held whose column 'more' is text"):
        shop.run(visits())


def test_two_rows_of_one_grain_are_refused_before_they_wait(shop):
    shop.source(
        "INSERT INTO visits (id, guest_id, at) VALUES (2, 2, '2026-01-01'), (2, 2, '2026-01-02')"
    )
    report = shop.run(visits(dedupe="at DESC"))
    assert counts(report, "fact_visit") == {"read": 2, "held": 1, "rejected": 1}
