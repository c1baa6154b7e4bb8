"""Hierarchies: a closure table of trees as ragged as they come, and what is no tree."""

from __future__ import annotations

import random

import pytest

from engine.errors import CheckFailedError, MappingError
from tests.integration.stars import UNKNOWN, counts, dimension, notices, star, untouched

CLOSURE = """
SELECT a.id, d.id, depth, is_top, is_leaf FROM dim_staff_hierarchy
JOIN dim_staff AS a ON a.key = ancestor_key JOIN dim_staff AS d ON d.key = descendant_key
WHERE d.key > 0 ORDER BY 2, 3
"""


@pytest.fixture
def staff(stars):
    stars.source("CREATE TABLE staff (id int, boss int, name text, at timestamp DEFAULT now())")
    stars.source("GRANT SELECT ON staff TO PUBLIC")
    return stars


def hire(stars, **bosses):
    """Let the source have these members, each with its boss."""
    for one, boss in bosses.items():
        stars.source(f"INSERT INTO staff VALUES ({one[1:]}, {boss or 'NULL'}, '{one}')")


def tree(**more):
    return star(
        dim_staff=dimension(
            "SELECT * FROM staff",
            **{
                "columns": {"id": None, "boss": None, "name": None},
                "hierarchy": {"parent": "boss"},
                "special_members": UNKNOWN,
                **more,
            },
        )
    )


def closure(parents):
    """Say in Python what the table should hold: ancestor, member, depth, top, leaf."""
    known = {
        one: boss if boss in parents and boss != one else None for one, boss in parents.items()
    }
    bosses = {boss for boss in known.values() if boss}
    wanted = []
    for one in sorted(known):
        above, depth = one, 0
        while above:
            wanted.append((above, one, depth, known[above] is None, one not in bosses))
            above, depth = known[above], depth + 1
    return wanted


def test_of_several_members_without_their_parent_one_is_named(staff):
    hire(staff, m1=None, m2=999, m3=998)
    told = "2 members have a parent that is not there, and are roots, such as 2"
    assert told in notices(staff.run(tree()))


def test_ragged_trees_with_several_roots_are_closed_and_follow_the_source(staff):
    dice = random.Random(7)
    parents = {n: dice.choice([None, *range(1, n), n, 999][:n]) for n in range(1, 60)}
    parents |= {60: 60, 61: 999}  # its own parent, and one whose parent is not there
    hire(staff, **{f"m{one}": boss for one, boss in parents.items()})
    report = staff.run(tree())
    assert staff.warehouse(CLOSURE) == closure(parents)
    assert "1 member has a parent that is not there, and is a root: 61" in notices(report)
    # The unknown member is there too, so that facts which have it are not lost in a join.
    assert staff.warehouse("SELECT * FROM dim_staff_hierarchy WHERE ancestor_key = -1") == [
        (-1, -1, 0, True, True)
    ]
    before = untouched(staff)
    report = staff.run(tree())
    assert not [done for done in report.steps if "closure" in done.title]
    staff.run(tree(), full_refresh=True)
    assert untouched(staff) == before

    # A subtree moves, a leaf goes, a boss comes: what is not below them is not written.
    staff.source("UPDATE staff SET boss = 60 WHERE id = 3; UPDATE staff SET boss = 3 WHERE id = 61")
    staff.source("INSERT INTO staff VALUES (999, NULL, 'late')")
    parents |= {3: 60, 61: 3, 999: None}
    report = staff.run(tree())
    assert staff.warehouse(CLOSURE) == closure(parents)
    written = {title: rows for title, rows in ((d.title, d.rows) for d in report.steps) if rows}
    assert written["insert closure"] < len(closure(parents)) / 2
    staff.source("DELETE FROM staff WHERE id = 61")
    parents.pop(61)
    staff.run(tree(load="replace"))
    assert staff.warehouse(CLOSURE) == closure(parents)


def test_circles_fail_the_run_and_are_named(staff):
    hire(staff, m1=None, m2=4, m3=2, m4=3, m5=2, m6=1)
    with pytest.raises(CheckFailedError) as raised:
        staff.run(tree())
    assert "4 members are their own ancestors, or below such a one: " in str(raised.value)
    assert any(
        path in str(raised.value) for path in ("2 → 4 → 3 → 2", "4 → 3 → 2 → 4", "3 → 2 → 4 → 3")
    )
    assert ".yml:" in str(raised.value)
    done = staff.engine("run", staff.write(tree()))
    assert done.returncode == 3
    assert staff.warehouse("SELECT to_regclass('dim_staff')") == [(None,)]


def test_circles_may_warn_and_then_stand_alone(staff):
    hire(staff, m1=None, m2=4, m3=2, m4=3, m5=2, m6=1)
    mapping = tree(hierarchy={"parent": "boss", "cycles": "warn", "table": "tree"})
    report = staff.run(mapping)
    assert "they stand alone in the hierarchy" in notices(report)
    rows = staff.warehouse(CLOSURE.replace("dim_staff_hierarchy", "tree"))
    assert [row[:3] for row in rows] == [
        (1, 1, 0), (2, 2, 0), (3, 3, 0), (4, 4, 0), (5, 5, 0), (6, 6, 0), (1, 6, 1),
    ]  # fmt: skip
    staff.source("UPDATE staff SET boss = 1 WHERE id = 2")
    staff.run(mapping)
    assert (
        len(staff.warehouse(CLOSURE.replace("dim_staff_hierarchy", "tree")))
        == 1 + 2 + 3 + 4 + 3 + 2
    )


def test_with_history_it_is_of_the_present_versions_and_by_the_durable_key(staff):
    hire(staff, m1=None, m2=1, m3=2)
    mapping = tree(
        columns={"id": None, "boss": {"scd": 2}, "name": None},
        history={"effective": "at"},
        durable_key="durable",
    )
    staff.run(mapping)
    by_durable = CLOSURE.replace("a.key", "a.durable").replace("d.key = ", "d.durable = ")
    by_durable = by_durable.replace("WHERE", "WHERE a.is_current AND d.is_current AND")
    assert [row[:3] for row in staff.warehouse(by_durable)] == [
        (1, 1, 0), (2, 2, 0), (1, 2, 1), (3, 3, 0), (2, 3, 1), (1, 3, 2),
    ]  # fmt: skip
    staff.source("UPDATE staff SET boss = 1, at = now() + interval '1 day' WHERE id = 3")
    assert counts(staff.run(mapping), "dim_staff")["inserted"] == 1
    assert [row[:3] for row in staff.warehouse(by_durable)] == [
        (1, 1, 0), (2, 2, 0), (1, 2, 1), (3, 3, 0), (1, 3, 1),
    ]  # fmt: skip
    before = untouched(staff)
    staff.run(mapping)
    assert untouched(staff) == before


def test_a_hierarchy_that_comes_later_a_table_that_was_emptied_and_composite_keys(staff):
    hire(staff, m1=None, m2=1)
    plain = tree(columns={"id": None, "boss": None})
    plain["dimensions"]["dim_staff"].pop("hierarchy")
    staff.run(plain)
    staff.run(tree(columns={"id": None, "boss": None}))
    assert len(staff.warehouse(CLOSURE)) == 3
    staff.warehouse("TRUNCATE dim_staff_hierarchy")
    staff.run(tree(columns={"id": None, "boss": None}))
    assert len(staff.warehouse(CLOSURE)) == 3
    both = star(
        name="both",
        dim_two=dimension(
            "SELECT 'nl' AS land, id, boss, CASE WHEN boss > 0 THEN 'nl' END AS boss_land FROM staff",
            "land id boss boss_land",
            natural_key=["land", "id"],
            hierarchy={"parent": {"land": "boss_land", "id": "boss"}},
        ),
    )
    staff.run(both)
    assert staff.warehouse("SELECT max(depth), count(*) FROM dim_two_hierarchy") == [(1, 3)]
    # Another table of that name is left alone; keys that cannot be compared are told before a run.
    staff.warehouse("CREATE TABLE public.other (id int)")
    with pytest.raises(
        MappingError, match=r"public\.other is there, and has no column 'ancestor_key'"
    ):
        staff.plan(tree(hierarchy={"parent": "boss", "table": "other"}))
    with pytest.raises(MappingError, match=r"text cannot be compared with dim_staff\.id"):
        staff.plan(tree(hierarchy={"parent": "name", "table": "another"}))
