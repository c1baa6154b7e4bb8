"""Junk and mini-dimensions: a member for each combination that the rows of facts and dimensions have."""

from __future__ import annotations

import pytest

from engine.errors import MappingError
from engine.sql.fragments import same
from tests.integration.stars import UNKNOWN, counts, dimension, fact, notices, star, untouched

SOURCE = """
CREATE TABLE sales (id int, gift bool, channel varchar(10), rate numeric, n int);
GRANT SELECT ON sales TO PUBLIC;
INSERT INTO sales VALUES
  (1, true, 'web', 1.0, 5), (2, true, 'web', 1.00, 6), (3, NULL, 'web', 1, 7), (4, NULL, NULL, NULL, 8),
  (5, NULL, NULL, NULL, 9), (6, false, '', 1, 9);
"""
FOUND = """
SELECT f.id, d.gift, d.channel, d.rate FROM sold AS f JOIN dim_flag AS d ON d.key = f.flag_key ORDER BY 1
"""
ALL_KEYS = "SELECT count(*), count(DISTINCT key) FROM dim_flag WHERE key > 0"


def flags(**more):
    return {
        "junk": "sold",
        "key": "key",
        "columns": {
            "gift": None,
            "channel": {"expr": "upper(channel)", "type": "varchar(3)"},
            "rate": None,
        },
        **more,
    }


def shop(query="SELECT * FROM sales", dim=None, lookup=None, **more):
    return star(
        dim_flag=dim or flags(),
        sold=fact(query, "id n", lookups={"flag_key": lookup or {"dimension": "dim_flag"}}, **more),
    )


def test_each_combination_has_one_member_and_null_is_a_value(stars):
    stars.source(SOURCE)
    report = stars.run(shop())
    assert counts(report, "dim_flag") == {"read": 4, "inserted": 4}
    assert counts(report, "sold") == {"read": 6, "inserted": 6}
    assert stars.warehouse(FOUND) == [
        (1, True, "WEB", 1),
        (2, True, "WEB", 1),
        (3, None, "WEB", 1),
        (4, None, None, None),
        (5, None, None, None),
        (6, False, "", 1),
    ]
    before = untouched(stars)
    report = stars.run(shop())
    assert counts(report, "dim_flag") == {"read": 4, "unchanged": 4}
    assert counts(stars.run(shop(), full_refresh=True), "sold") == {"read": 6, "unchanged": 6}
    assert untouched(stars) == before
    with pytest.raises(Exception, match="combination_"):
        stars.warehouse("INSERT INTO dim_flag (gift) VALUES (NULL)")


def test_new_rows_bring_new_members_and_those_that_are_there_stay(stars):
    stars.source(SOURCE)
    mapping = shop(cursor="id", load="upsert")
    stars.run(mapping)
    keys = stars.warehouse("SELECT * FROM dim_flag ORDER BY 1")
    stars.source("INSERT INTO sales VALUES (7, true, NULL, 2, 1), (8, true, 'web', 1, 1)")
    report = stars.run(mapping)
    assert counts(report, "dim_flag") == {"read": 3, "inserted": 1, "unchanged": 2}
    assert stars.warehouse("SELECT * FROM dim_flag ORDER BY 1")[:4] == keys
    assert stars.warehouse("SELECT max(key) FROM dim_flag") == [(5,)]  # no key is burnt
    assert [row[1:] for row in stars.warehouse(FOUND)][6:] == [(True, None, 2), (True, "WEB", 1)]


def test_an_empty_source_makes_an_empty_dimension(stars):
    stars.source(SOURCE + "TRUNCATE sales")
    assert counts(stars.run(shop()), "dim_flag") == {}
    stars.source("INSERT INTO sales VALUES (1, true, 'web', 1, 1)")
    assert counts(stars.run(shop()), "dim_flag") == {"read": 1, "inserted": 1}


def test_special_members_are_no_combination(stars):
    stars.source(SOURCE)
    mapping = shop(
        dim=flags(special_members=UNKNOWN, checks={"accepted": {"channel": ["WEB", ""]}})
    )
    stars.run(mapping)
    assert stars.warehouse(ALL_KEYS) == [(4, 4)]
    assert stars.warehouse("SELECT count(*) FROM sold WHERE flag_key < 0") == [(0,)]
    before = untouched(stars)
    stars.run(mapping)
    assert untouched(stars) == before


def test_members_without_a_table_are_given_new_keys_and_all_facts_get_them(stars):
    stars.source(SOURCE)
    mapping = shop(cursor="id")
    stars.run(mapping)
    expected = stars.warehouse(FOUND)
    stars.warehouse("TRUNCATE dim_flag")
    assert "dim_flag, which is made of its rows, is empty" in notices(stars.run(mapping))
    assert stars.warehouse(FOUND) == expected


def test_a_column_more_makes_new_members_and_one_less_is_refused(stars):
    stars.source(SOURCE)
    audited = shop(dim=flags(audit=True))
    stars.run(audited)
    assert stars.column("SELECT count(DISTINCT _run_id) FROM dim_flag") == [1]
    more = flags(audit=True)
    more["columns"]["big"] = "n > 8"
    report = stars.run(shop(dim=more))
    assert counts(report, "dim_flag") == {"read": 5, "inserted": 5}
    assert counts(report, "sold") == {"read": 6, "updated": 6}
    assert counts(stars.run(shop(dim=more)), "sold") == {"read": 6, "unchanged": 6}
    with pytest.raises(MappingError, match="may differ in 'big' alone") as raised:
        stars.run(audited)
    for statement in str(raised.value).partition("run: ")[2].split(";")[:2]:
        stars.warehouse(statement)
    assert counts(stars.run(audited), "dim_flag") == {"read": 4, "inserted": 4}
    assert stars.warehouse(FOUND)[3:5] == [(4, None, None, None), (5, None, None, None)]


def people(columns, **more):
    """Return a mini-dimension of facts and members, with its key on both: types 4 and 5."""
    profile = {"dimension": "dim_profile"}
    query = "SELECT id, n AS age, channel FROM sales WHERE id <= 3"
    return star(
        dim_user=dimension(query, "id", lookups={"profile_key": profile}, special_members=UNKNOWN),
        dim_profile={
            "junk": ["visit", "dim_user"],
            "key": "key",
            "columns": columns,
            "special_members": UNKNOWN,
        },
        visit=fact("SELECT id, n, n AS age, channel FROM sales", "id n", lookups={"k": profile}),
        other=fact(
            "SELECT id, 'web' AS c, n FROM sales",
            "id",
            lookups={"k": {"dimension": "dim_profile", "on": {"age": "n", "channel": "c"}}},
        ),
        **more,
    )


def test_a_mini_dimension_is_made_of_several_entries_and_looked_up_by_others(stars):
    stars.source(SOURCE)
    mapping = people({"age": None, "channel": None})
    report = stars.run(mapping)
    assert [e.name for e in report.entries] == ["dim_profile", "dim_user", "visit", "other"]
    assert counts(report, "dim_profile") == {"read": 6, "inserted": 6}
    with_age = (
        "SELECT f.id, d.age FROM {} AS f JOIN dim_profile AS d ON d.key = f.{} "
        "WHERE f.id IS NOT NULL ORDER BY 1"
    )
    assert stars.warehouse(with_age.format("dim_user", "profile_key")) == [(1, 5), (2, 6), (3, 7)]
    assert stars.warehouse(with_age.format("visit", "k"))[3:] == [(4, 8), (5, 9), (6, 9)]
    # What is no combination of those rows is nobody; as is what another entry says of its own.
    assert stars.warehouse(with_age.format("other", "k"))[2:] == [
        (3, 7),
        (4, None),
        (5, None),
        (6, None),
    ]
    before = untouched(stars)
    stars.run(mapping)
    assert untouched(stars) == before
    # Type 5: the member's present profile is written over, the facts keep theirs.
    stars.source("UPDATE sales SET n = 50 WHERE id = 1")
    report = stars.run(mapping)
    assert counts(report, "dim_user") == {"read": 3, "updated": 1, "unchanged": 2}
    assert stars.warehouse(with_age.format("dim_user", "profile_key"))[0] == (1, 50)
    assert stars.warehouse(with_age.format("visit", "k"))[0] == (1, 5)

    report = stars.run(mapping, "dim_user")
    assert [e.name for e in report.entries] == ["dim_profile", "dim_user"]
    report = stars.run(mapping, "dim_profile")
    assert [e.name for e in report.entries] == ["dim_profile", "dim_user", "visit"]
    assert "visit: is loaded too, as dim_profile is made of its rows" in notices(report)
    # What looks it up and is no part of it brings along all that is.
    report = stars.run(mapping, "other")
    assert [e.name for e in report.entries] == ["dim_profile", "dim_user", "visit", "other"]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (
            {"age": None, "channel": {"expr": "string_to_array(channel, 'e')"}},
            "holds single values",
        ),
        ({"age": None, "channel": {"type": "json"}}, "which has no order"),
        ({"age": None, "channel": "chanel || ''"}, 'column "chanel" does not exist'),
    ],
)
def test_columns_that_cannot_be_are_told_before_a_run(stars, columns, problem):
    stars.source(SOURCE)
    with pytest.raises(MappingError, match=problem.replace("'", ".")):
        stars.plan(people(columns))


def test_types_that_differ_between_the_entries_are_told(stars):
    stars.source(SOURCE)
    mapping = people({"age": None, "channel": None})
    mapping["dimensions"]["dim_user"]["source"]["query"] = (
        "SELECT id, n::bigint AS age, channel FROM sales"
    )
    with pytest.raises(MappingError, match="'age' is integer in visit and bigint in dim_user"):
        stars.plan(mapping)
    mapping["dimensions"]["dim_profile"]["columns"]["age"] = {"type": "bigint"}
    assert counts(stars.run(mapping), "dim_profile") == {"read": 6, "inserted": 6}


def test_an_expression_that_fails_is_found_in_its_place(stars):
    stars.source(SOURCE)
    done = stars.engine("run", stars.write(shop(dim=flags(columns={"one": "10 / (n - 7)"}))))
    assert done.returncode == 1
    assert "dimensions.dim_flag.columns.one" in done.stderr
    assert "division by zero" in done.stderr


def test_a_copied_column_that_a_query_has_not_is_told(stars):
    stars.source(SOURCE)
    with pytest.raises(MappingError, match="the query of sold has no column 'chanel'"):
        stars.plan(shop(dim=flags(columns={"gift": None, "chanel": None})))


def test_members_are_found_by_hashing_though_null_is_a_value(stars):
    stars.source(SOURCE)
    stars.run(shop())
    stars.warehouse("CREATE TABLE many AS SELECT d.* FROM dim_flag AS d, generate_series(1, 5000)")
    stars.warehouse("ANALYZE many")
    found = same(("gift", "channel", "rate"), "t", "s")
    plan = stars.warehouse(f"EXPLAIN SELECT * FROM many AS s LEFT JOIN dim_flag AS t ON {found}")
    assert any("Hash Cond" in line for (line,) in plan)
