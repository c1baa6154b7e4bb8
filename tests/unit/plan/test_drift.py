"""What a definition is, and when a plan tells that a table is not as it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.mapping.model import Cache, Connection, SpecialMember
from engine.plan.build import build
from engine.plan.drift import definition
from tests.unit.plan.stars import CONNECTIONS, FILLED, STAR, USER, WORLD, place


def star(**changes):
    dimensions = tuple(
        replace(d, **changes) if d.name == "dim_user" else d for d in STAR.dimensions
    )
    return replace(STAR, dimensions=dimensions)


def said(of):
    return definition(of, of.dimension("dim_user"))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (star(path="elsewhere", cache=Cache(60), checks=USER.checks[:2]), True),
        (star(source=replace(USER.source, cursor=None, path="x")), True),
        (replace(star(), name="other"), True),
        (replace(star(), connections=(Connection("source", "CRM"), CONNECTIONS[1])), False),
        (star(description="Another"), False),
        (star(source=replace(USER.source, query="SELECT 1")), False),
        (star(checks=()), False),  # one of them rejects rows
        (star(special_members=(SpecialMember("unknown", -1),)), False),
        (star(columns=USER.columns[:-1]), False),
    ],
)
def test_a_definition_is_what_decides_what_the_table_holds(other, same):
    assert (said(other) == said(STAR)) is same


def notes(world):
    return [n.text for n in build(STAR, world, place).notices if n.entry == "dim_user"]


def test_what_a_hand_has_changed_is_told_by_the_run_too_and_a_new_definition_is_not():
    gone = replace(
        FILLED["dim_user"],
        columns={n: t for n, t in FILLED["dim_user"].columns.items() if n != "name"},
    )
    world = replace(
        WORLD,
        tables={**FILLED, "dim_user": gone},
        schema_exists=True,
        strayed={"dim_user": ("nobody",)},
        loaded={"dim_user": ("shop", said(STAR))},
    )
    texts = notes(world)
    assert (
        "column 'name' is not in the table, though the mapping did not change: it is put right"
        in texts
    )
    assert any("special member 'nobody'" in text for text in texts)
    assert notes(replace(world, loaded={"dim_user": ("shop", "older")})) == []
    assert notes(replace(world, loaded={})) == []
    told = [
        n.text for n in build(STAR, replace(world, loaded={}), place).drift if n.entry == "dim_user"
    ]
    assert "column 'name' is not in the table: a run puts it right" in told


def test_another_mapping_with_another_definition_is_named():
    world = replace(WORLD, tables=FILLED, loaded={"dim_user": ("returns", said(STAR))})
    assert notes(world) == []
    (text,) = notes(replace(world, loaded={"dim_user": ("returns", "other")}))
    assert "the mapping 'returns' loaded this table last, and defines it otherwise" in text
