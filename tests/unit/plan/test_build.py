"""Which steps a plan has, decided from the mapping and the world alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.mapping.model import Check, Partition, Tolerance
from engine.plan.build import build
from engine.plan.fingerprint import fingerprint
from engine.plan.load import load_steps
from engine.plan.quality import judge, label
from engine.plan.shape import short_name, stage
from engine.plan.steps import AddPrimaryKey, Copy, InsertNew, UpdateChanged
from engine.plan.world import Reading
from tests.unit.plan.stars import FILLED, SALE, STAR, USER, WORLD, place


def titles(plan, entry):
    own = (step.title for step in plan.load if step.entry == entry)
    return [title for title in own if not title.startswith("describe")]


FULL = replace(WORLD, tables=FILLED, schema_exists=True)


def test_planning_is_pure():
    assert build(STAR, WORLD, place) == build(STAR, WORLD, place)


def test_a_first_load_builds_keys_after_the_rows_and_looks_for_nothing_old():
    assert titles(build(STAR, WORLD, place), "fact_sale") == [
        "prove found",
        "reject missing",
        "reject null keys",
        "quarantine",
        "create filled",
        "add primary key",
        "analyze",
    ]


def test_a_next_load_proves_the_grain_and_compares():
    assert titles(build(STAR, FULL, place), "fact_sale") == [
        "prove found",
        "reject missing",
        "reject null keys",
        "prove unique",
        "quarantine",
        "count unchanged",
        "update changed",
        "insert new",
    ]


def test_a_table_is_made_of_its_rows_only_where_no_length_would_be_lost():
    limited = replace(
        SALE, columns=(*SALE.columns, replace(SALE.columns[0], name="code", expr="'x'"))
    )
    types = {**WORLD.types["fact_sale"], "=code": "text", "code": "character varying(3)"}
    world = replace(WORLD, types={**WORLD.types, "fact_sale": types})
    plan = build(only(limited), world, place)
    assert "insert new" in titles(plan, "fact_sale")
    assert any(step.title == "create table" and step.entry == "fact_sale" for step in plan.schema)


def test_what_create_table_as_cannot_declare_comes_with_the_primary_key():
    (key,) = (
        s for s in build(STAR, WORLD, place).load if isinstance(s, AddPrimaryKey) and s.not_null
    )
    assert key.not_null == ("day_key", "user_key", "seller_key")


PART = replace(FULL, readings={"fact_sale": Reading("2026-01-01")})


def test_of_a_part_of_a_fact_each_row_is_looked_for_once():
    for load in ("upsert", "accumulate"):
        plan = build(only(replace(SALE, load=load)), PART, place)
        assert "upsert" in titles(plan, "fact_sale")
        assert not {"count unchanged", "update changed", "insert new"} & set(
            titles(plan, "fact_sale")
        )


@pytest.mark.parametrize(
    ("fact", "world"),
    [
        (SALE, FULL),  # many rows are found by a hash of them all
        (SALE, replace(PART, tables=WORLD.tables)),  # there is nothing to find
        (replace(SALE, load="append"), PART),
        (
            SALE,
            replace(
                PART, tables={**FILLED, "fact_sale": replace(FILLED["fact_sale"], plain=False)}
            ),
        ),
        (replace(SALE, columns=SALE.columns[:1], lookups=()), PART),
        (
            SALE,
            replace(
                PART, tables={**FILLED, "fact_sale": replace(FILLED["fact_sale"], primary_key=())}
            ),
        ),
    ],
    ids=["all", "first", "append", "not plain", "keys alone", "no key"],
)
def test_elsewhere_rows_are_not_upserted(fact, world):
    steps = load_steps(only(fact), fact, world, place)
    assert "upsert" not in [step.title for step in steps]


def only(fact):
    return replace(STAR, facts=(fact,))


def test_append_updates_nothing_unless_it_reconciles():
    append = only(replace(SALE, load="append"))
    assert "update changed" not in titles(build(append, FULL, place), "fact_sale")
    reconcile = replace(FULL, readings={"fact_sale": Reading(None, "because", reconcile=True)})
    plan = build(append, reconcile, place)
    assert "update changed" in titles(plan, "fact_sale")
    assert [notice.text for notice in plan.notices] == ["because"]


def test_insert_leaves_members_as_they_are():
    insert = replace(STAR, dimensions=(STAR.dimensions[0], replace(USER, load="insert")))
    assert "update changed" not in titles(build(insert, FULL, place), "dim_user")


def test_where_the_database_does_not_prove_that_a_key_is_there_once_nothing_is_taken_for_known():
    sale = replace(SALE, load="upsert")
    spread = replace(sale, partition=Partition(SALE.columns[1].name, "month"))
    for fact, proved in ((sale, True), (spread, False)):
        steps = load_steps(only(fact), fact, FULL, place)
        asked = [s.single for s in steps if isinstance(s, InsertNew | UpdateChanged)]
        assert asked == [proved, proved]


def test_replace_deletes_what_is_gone():
    assert "delete gone" in titles(
        build(only(replace(SALE, load="replace")), FULL, place), "fact_sale"
    )


def test_only_what_is_selected_is_planned():
    plan = build(STAR, FULL, place, ("dim_user",))
    assert [stage.entry for stage in plan.stages] == ["dim_user"]
    assert {step.entry for step in (*plan.load, *plan.checks)} == {"dim_user"}
    assert plan.notices == ()


def test_a_fact_brings_its_dimensions_along():
    plan = build(STAR, WORLD, place, ("fact_sale",))
    assert [stage.entry for stage in plan.stages] == ["dim_day", "dim_user", "fact_sale"]
    told = {n.entry: n.text for n in plan.notices}
    assert told["dim_user"] == "is loaded too, as fact_sale looks it up"


def test_a_watermark_becomes_a_window():
    known = replace(FULL, readings={"fact_sale": Reading("41")})
    (copy,) = (s.fill for s in build(STAR, known, place).stages if s.entry == "fact_sale")
    assert isinstance(copy, Copy)
    assert (copy.window.low, copy.window.nulls) == ("41", False)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"description": "other"}, True),
        ({"load": "append"}, False),
        ({"grain": ("user_key",)}, False),
        ({"columns": SALE.columns[:1]}, False),
        ({"lookups": SALE.lookups[:2]}, False),
        ({"source": replace(SALE.source, query="SELECT 1")}, False),
    ],
)
def test_the_fingerprint_knows_what_decides_the_rows(change, same):
    assert (fingerprint(STAR, SALE) == fingerprint(STAR, replace(SALE, **change))) is same


def test_a_long_name_stays_unique_and_short_enough():
    names = {short_name("ü" * 60 + tail) for tail in "ab"}
    assert len(names) == 2
    assert all(len(name.encode()) <= 63 for name in names)
    assert stage(STAR, SALE).name == "shop.fact_sale"


@pytest.mark.parametrize(
    ("fields", "failed", "total", "status"),
    [
        ({}, 0, 0, "pass"),
        ({}, 1, 100, "fail"),
        ({"severity": "warn"}, 1, 100, "warn"),
        ({"tolerance": Tolerance(rows=5)}, 5, 100, "pass"),
        ({"tolerance": Tolerance(rows=5)}, 6, 100, "fail"),
        ({"tolerance": Tolerance(percent=Decimal("0.5"))}, 1, 200, "pass"),
        ({"tolerance": Tolerance(percent=Decimal("0.5"))}, 1, 199, "fail"),
        ({"tolerance": Tolerance(percent=Decimal(1))}, 0, 0, "pass"),
    ],
)
def test_the_verdict_of_a_check(fields, failed, total, status):
    assert judge("dim", Check("not_null", ("a",), **fields), failed, total).status == status


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (Check("not_null", ("a", "b")), "not_null a, b"),
        (Check("row_count"), "row_count source"),
        (Check("row_count", low=1), "row_count"),
        (Check("references", ("k",), dimension="dim"), "references k in dim"),
        (Check("sql", sql="SELECT 1", name="no negative totals"), "no negative totals"),
    ],
)
def test_the_name_of_a_check(check, name):
    assert label(check) == name
