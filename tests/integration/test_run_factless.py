"""Facts without measures: the keys of their lookups are all that they have."""

from __future__ import annotations

import pytest

from engine.errors import CheckFailedError
from tests.integration.stars import UNKNOWN, counts, dimension, star, untouched

PEOPLE = dimension("SELECT * FROM people", special_members=UNKNOWN)
MEETING = "SELECT host, guest FROM meetings"


def meetings(load, dedupe=None, cursor=None):
    source = {"query": MEETING, **({"dedupe": dedupe} if dedupe else {})}
    source |= {"cursor": cursor} if cursor else {}
    return star(
        dim_people=PEOPLE,
        fact_meeting={
            "source": source,
            "load": load,
            "grain": ["host_key", "guest_key"],
            "lookups": {
                "host_key": {"dimension": "dim_people", "on": "host", "missing": "reject"},
                "guest_key": {"dimension": "dim_people", "on": "guest"},
            },
        },
    )


@pytest.mark.parametrize("load", ["append", "upsert", "replace"])
def test_rows_of_keys_alone_are_loaded_once(stars, load):
    stars.source(
        "CREATE TABLE people (id int, name text); CREATE TABLE meetings (host int, guest int)"
    )
    stars.source("INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob')")
    stars.source("INSERT INTO meetings VALUES (1, 2), (2, 1), (9, 1), (1, 9)")
    report = stars.run(meetings(load))
    assert counts(report, "fact_meeting") == {"read": 4, "inserted": 3, "rejected": 1}
    before = untouched(stars)
    report = stars.run(meetings(load))
    assert counts(report, "fact_meeting") == {"read": 4, "unchanged": 3, "rejected": 1}
    assert untouched(stars) == before
    stars.source("DELETE FROM meetings WHERE host = 2; INSERT INTO meetings VALUES (2, 2)")
    gone = {"deleted": 1} if load == "replace" else {}
    assert counts(stars.run(meetings(load)), "fact_meeting") == {
        "read": 4, "inserted": 1, "unchanged": 2, "rejected": 1, **gone
    }  # fmt: skip
    stars.source("INSERT INTO meetings VALUES (1, 2)")
    with pytest.raises(CheckFailedError, match="the grain is not unique"):
        stars.run(meetings(load))
    report = stars.run(meetings(load, dedupe="guest"))
    assert counts(report, "fact_meeting") == {"read": 5, "unchanged": 3, "rejected": 2}


def test_rows_of_keys_alone_are_found_by_a_cursor(stars):
    stars.source(
        "CREATE TABLE people (id int, name text); CREATE TABLE meetings (host int, guest int);"
        "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob'); INSERT INTO meetings VALUES (1, 2), (2, 1)"
    )
    mapping = meetings("upsert", cursor="host")
    stars.run(mapping)
    stars.source("INSERT INTO meetings VALUES (2, 2)")
    found = {"read": 2, "inserted": 1, "unchanged": 1}
    assert counts(stars.run(mapping), "fact_meeting") == found
