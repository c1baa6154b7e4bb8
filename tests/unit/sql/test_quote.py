"""Names and values get into SQL quoted, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from jinja2 import Environment

from engine.plan.steps import ColumnDefinition, CreateTable, Table
from engine.sql import quote
from engine.sql.dialect import POSTGRES
from engine.sql.render import _environment


@pytest.mark.parametrize(
    ("name", "sql"),
    [("order", '"order"'), ('a"b', '"a""b"'), ('x"; drop table y; --', '"x""; drop table y; --"')],
)
def test_a_name_is_quoted(name, sql):
    assert quote.ident(name) == sql


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="not an identifier"):
        quote.ident(name)


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (Decimal("1.50"), "'1.50'"),
        ("it's", "'it''s'"),
        ("\\'; drop table x", "'\\''; drop table x'"),
    ],
)
def test_a_value_is_quoted(value, sql):
    assert quote.literal(value) == sql


def test_a_value_with_nul_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        quote.literal("a\0b")


def test_a_value_gets_its_type():
    assert quote.typed(5, "smallint") == "'5'::smallint"
    assert quote.typed(None, "text") == "null::text"
    assert quote.typed(False, "boolean") == "'false'::boolean"


@pytest.mark.parametrize("type_", ["", "text; drop table x", "text--", "text'"])
def test_what_is_no_type_is_refused(type_):
    with pytest.raises(ValueError, match="not a type"):
        quote.type_name(type_)


def test_a_comment_cannot_swallow_what_follows_an_expression():
    assert quote.expression("a -- b") == "(\na -- b\n)"


@pytest.mark.parametrize("printed", ["step.table.name", "step.columns[0].name", "'x'", "1"])
def test_a_template_cannot_print_anything_unquoted(printed):
    environment: Environment = _environment(POSTGRES)
    step = CreateTable(table=Table("s", "t"), columns=(ColumnDefinition("a", "text"),))
    with pytest.raises(TypeError, match="fragments only"):
        environment.from_string("{{ " + printed + " }}").render(step=step)
