"""Data for which an expression has no value: the run says which expression, and for which row."""

from __future__ import annotations

import pytest

from engine.errors import RunError
from tests.integration.stars import UNKNOWN, Entry, Stars, dimension, fact, star

TABLE = """
CREATE TABLE t AS SELECT n AS id, n % 7 AS part, (n % 5000 - 4321) AS quantity, 'word ' || n AS name
FROM generate_series(1, 4999) AS n;
GRANT SELECT ON t TO engine_reader
"""
QUERY = "SELECT * FROM t"
AT_4321 = "; in the row with id = 4321"


@pytest.fixture
def shop(stars) -> Stars:
    stars.source(TABLE)
    return stars


def failure(stars: Stars, mapping: Entry) -> str:
    with pytest.raises(RunError) as caught:
        stars.run(mapping)
    assert not caught.value.transient
    said = str(caught.value).removeprefix(f"{stars.folder}/")
    past = stars.column("SELECT error FROM engine.run ORDER BY started_at DESC LIMIT 1")
    assert [error.removeprefix(f"{stars.folder}/") for error in past] == [said]
    return said


def columns(**more: object) -> Entry:
    return {"id": None, "fine": "part * 2", "also": {"expr": "name", "type": "text"}, **more}


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("1 / quantity", "division by zero"),
        (
            {"expr": "(case id when 4321 then 'x' else '1' end)::int"},
            'invalid input syntax for type integer: "x"',
        ),
        (
            {"expr": "case id when 4321 then 1000 else 1 end", "type": "numeric(4,2)"},
            "numeric field overflow",
        ),
        (
            {"expr": "case id when 4321 then name else '' end", "type": "varchar(5)"},
            "value too long for type character varying(5)",
        ),
        ({"expr": "id * 1000000", "type": "integer"}, "integer out of range"),
    ],
)
@pytest.mark.parametrize("loaded_before", [False, True])
def test_the_column_and_the_row_are_named(shop, column, said, loaded_before):
    mapping = star(f=fact(QUERY, columns(bad=column), load="upsert"))
    if loaded_before:
        shop.run(star(f=fact(f"{QUERY} WHERE id < 1000", columns(bad=column), load="upsert")))
    row = AT_4321 if "1000000" not in str(column) else "; in the row with id = 2148"
    error = failure(shop, mapping)
    at = "14:15" if isinstance(column, dict) else "13:12"
    assert error.startswith(f"little.yml:{at}: facts.f.columns.bad"), error
    assert f" failed: {said}" in error
    assert error.endswith(row)
    assert shop.column("SELECT count(*) FROM pg_class WHERE relname LIKE '%.try'") == [0]


def test_the_value_that_a_lookup_compares_is_named(shop):
    lookup = {"dimension": "dim_part", "on": {"part": "part / quantity"}}
    mapping = star(
        dim_part=dimension(
            "SELECT DISTINCT part FROM t", "part", special_members=UNKNOWN, natural_key="part"
        ),
        f=fact(QUERY, columns(), lookups={"part_key": lookup}),
    )
    error = failure(shop, mapping)
    assert ": facts.f.lookups.part_key.on.part: create filled failed: division by zero" in error
    assert error.endswith(AT_4321)


def test_a_row_without_a_key_of_its_own_columns_is_not_named(shop):
    made = {"nr": "id + 0", "bad": "1 / quantity"}
    error = failure(shop, star(f=fact(QUERY, made, grain="nr")))
    assert ": facts.f.columns.bad: create filled failed: division by zero" in error
    assert "row" not in error


def test_what_a_check_cannot_compute_is_at_the_check(shop):
    check = {"sql": "SELECT 1 FROM {{ this }} WHERE 1 / (id - 4321) > 5"}
    error = failure(shop, star(f=fact(QUERY, columns(), checks=[check])))
    assert ": facts.f.checks.0: check sql failed: division by zero" in error


def test_the_search_ends_and_names_no_wrong_row(shop, monkeypatch):
    """An expression so slow that the time of the search is over before its row is found."""
    monkeypatch.setattr("engine.database.culprit.PATIENCE", 0)
    error = failure(shop, star(f=fact(QUERY, columns(bad="1 / quantity"))))
    assert error == "f: create filled failed: division by zero"


def test_what_fails_by_chance_names_no_row(shop):
    chance = "1 / (case when random() < 0.5 then 0 else 1 end)"
    error = failure(shop, star(f=fact(QUERY, columns(bad=chance))))
    assert ": facts.f.columns.bad: create filled failed: division by zero" in error
