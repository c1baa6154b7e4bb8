"""What is read for deletes, and when: each query once, its keys apart only where not all rows are read."""

from dataclasses import replace

import pytest

from engine.mapping.model import Cursor, Deletes, Tolerance
from engine.plan.build import build
from engine.plan.steps import Copy, CopyKeys, FindGone, ProveFew
from engine.plan.world import Reading, TableState
from tests.unit.plan.stars import FILLED, STAR, WORLD, place

FILLED_WORLD = replace(WORLD, tables=FILLED, schema_exists=True)
READ_ON = replace(FILLED_WORLD, readings={"dim_user": Reading("2025-06-01 12:00:00+00")})


def planned(world=FILLED_WORLD, policy="flag", **source):
    user = STAR.dimensions[1]
    deletes = Deletes(policy, Tolerance(5), "dimensions.dim_user.source.deletes")
    user = replace(user, source=replace(user.source, deletes=deletes, **source))
    return build(replace(STAR, dimensions=(STAR.dimensions[0], user)), world, place)


def of(plan, kind):
    staged = [step for stage in plan.stages for step in stage.steps]
    steps = (*staged, *plan.load)
    return [s for s in steps if type(s) is kind and s.entry == "dim_user"]


@pytest.mark.parametrize("world", [FILLED_WORLD, READ_ON, WORLD])
def test_each_query_is_copied_once(world):  # TRAPS 41
    plan = planned(world)
    for stage in plan.stages:
        assert sum(type(step) is Copy for step in stage.steps) <= 1


def test_keys_are_read_apart_where_not_all_rows_are():  # TRAPS 9
    (keys,) = of(planned(READ_ON), CopyKeys)
    assert keys.window is None
    assert [column.name for column in keys.columns] == ["country", "user_id"]
    (gone,) = of(planned(READ_ON), FindGone)
    assert gone.rows.stage == keys.stage
    assert gone.rows.rejected


@pytest.mark.parametrize(
    ("world", "source", "apart"),
    [
        (FILLED_WORLD, {}, 0),
        (FILLED_WORLD, {"cursor": None, "dedupe": None}, 0),
        (FILLED_WORLD, {"cursor": Cursor("changed_at", "never")}, 1),
        (WORLD, {}, 0),
        (replace(READ_ON, tables={**FILLED, "dim_user": TableState()}), {}, 0),
    ],
)
def test_no_row_is_read_twice(world, source, apart):  # TRAPS 41
    plan = planned(world, **source)
    assert len(of(plan, CopyKeys)) == apart
    found = of(plan, FindGone)
    if not apart and found:
        (copy,) = of(plan, Copy)
        assert found[0].rows.stage == copy.stage


def test_of_a_computed_key_all_columns_are_read():
    columns = list(STAR.dimensions[1].columns)
    columns[1] = replace(columns[1], expr="user_id + 1")
    user = replace(STAR.dimensions[1], columns=tuple(columns))
    star = replace(STAR, dimensions=(STAR.dimensions[0], user))
    deletes = Deletes("flag", Tolerance(5))
    user = replace(user, source=replace(user.source, deletes=deletes))
    plan = build(replace(star, dimensions=(star.dimensions[0], user)), READ_ON, place)
    (keys,) = of(plan, CopyKeys)
    assert keys.columns == WORLD.sources["dim_user"]


def test_what_is_ignored_is_not_looked_for_and_what_is_allowed_not_counted():
    assert of(planned(READ_ON, "ignore"), FindGone) == []
    assert len(of(planned(READ_ON), ProveFew)) == 1
    assert of(planned(replace(READ_ON, allow_deletes=True)), ProveFew) == []
