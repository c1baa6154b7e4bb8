"""What may change by itself in the warehouse, and what a person has to decide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.plan.schema import holds, left_over, schema_problems, table_steps
from engine.plan.steps import AddColumn, WidenColumn
from engine.plan.world import TableState
from tests.unit.plan.stars import FILLED, SALE, STAR, USER, WORLD, place


@pytest.mark.parametrize(
    ("wanted", "present", "fits"),
    [
        ("bigint", "integer", True),
        ("integer", "bigint", False),
        ("text", "character varying(10)", True),
        ("character varying(10)", "text", False),
        ("character varying(20)", "character varying(10)", True),
        ("character varying(5)", "character varying(10)", False),
        ("character varying", "character varying(10)", True),
        ("numeric(12,2)", "numeric(10,2)", True),
        ("numeric(12,4)", "numeric(12,2)", False),
        ("numeric(14,4)", "numeric(12,2)", True),
        ("numeric", "numeric(12,2)", True),
        ("numeric(12,2)", "numeric", False),
        ("numeric", "integer", True),
        ("date", "timestamp without time zone", False),
        ("integer", "text", False),
    ],
)
def test_which_type_holds_every_value_of_another(wanted, present, fits):
    assert holds(wanted, present) is fits


def world(**columns):
    """Return a world whose fact table has these columns instead of its own."""
    state = replace(FILLED["fact_sale"], columns={**FILLED["fact_sale"].columns, **columns})
    return replace(WORLD, tables={**FILLED, "fact_sale": state})


def without(name):
    state = FILLED["fact_sale"]
    columns = {n: t for n, t in state.columns.items() if n != name}
    return replace(WORLD, tables={**FILLED, "fact_sale": replace(state, columns=columns)})


def test_a_missing_column_is_added():
    (step,) = table_steps(STAR, SALE, without("total"))
    assert isinstance(step, AddColumn)
    assert (step.column.name, step.column.type, step.column.not_null) == (
        "total",
        "numeric(12,2)",
        False,
    )


def test_a_narrow_column_is_widened():
    (step,) = table_steps(STAR, SALE, world(sale_id="integer"))
    assert isinstance(step, WidenColumn)
    assert (step.column.name, step.present) == ("sale_id", "integer")


def test_a_wider_column_stays_as_it_is():
    assert table_steps(STAR, SALE, world(total="numeric(20,4)")) == ()
    assert not list(schema_problems(STAR, SALE, world(total="numeric(20,4)"), place))


def test_another_type_is_refused_with_the_statement():
    (problem,) = schema_problems(STAR, SALE, world(total="text"), place)
    assert problem.where.path == "facts.fact_sale.columns.total"
    assert "is text, the mapping wants numeric(12,2)" in problem.what
    assert 'ALTER TABLE mart.fact_sale ALTER COLUMN "total" TYPE numeric(12,2)' in problem.hint


def test_another_grain_is_refused_with_the_statement():
    changed = replace(SALE, grain=("user_key", "day_key"))
    (problem,) = schema_problems(STAR, changed, world(), place)
    assert "is (sale_id), not (user_key, day_key)" in problem.what
    assert 'ADD PRIMARY KEY ("user_key", "day_key")' in problem.hint


def test_another_surrogate_key_is_refused():
    (problem,) = schema_problems(STAR, replace(USER, key="id"), world(), place)
    assert "rows cannot get new keys" in problem.what
    assert 'RENAME COLUMN "user_key" TO "id"' in problem.hint


def test_a_column_that_is_no_longer_wanted_is_kept_and_told():
    (notice,) = left_over(STAR, SALE, world(old="text"))
    assert "'old' is no longer in the mapping" in notice.text
    assert 'DROP COLUMN "old"' in notice.text


def test_a_table_that_is_not_there_has_no_problems():
    nothing = replace(WORLD, tables={"fact_sale": TableState()})
    assert not list(schema_problems(STAR, SALE, nothing, place))
