"""Ask the warehouse what the columns of an aggregate are: it is made of a fact whose columns are known."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database.refusal import refused
from engine.database.types import describe, precise
from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.model import Aggregate, Column, Star
from engine.plan.columns import definitions
from engine.plan.steps import ColumnDefinition
from engine.plan.world import World
from engine.sql.quote import expression, ident, type_name


def aggregated(
    star: Star, aggregate: Aggregate, world: World, document: Document, warehouse: Connection
) -> tuple[dict[str, str], list[Problem]]:
    """Return the type of each column of an aggregate, and what the warehouse refuses."""
    fact = next(fact for fact in star.facts if fact.name == aggregate.fact)
    columns = definitions(star, fact, world)
    dimensions = {x.column: star.dimension(x.dimension) for x in fact.lookups}
    types: dict[str, str] = {}
    for group in aggregate.by:
        of = definitions(star, dimensions[group.lookup], world) if group.lookup else columns
        types[group.name] = next(column.type for column in of if column.name == group.column)
    problems = list(_unfit(aggregate, types, document, warehouse))
    for column in aggregate.sums:
        found = _computed(column, columns, document, warehouse)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            types[column.name] = found
    return types, problems


def _unfit(
    aggregate: Aggregate, types: dict[str, str], document: Document, warehouse: Connection
) -> Iterator[Problem]:
    """Find groups by what cannot be told apart, or not be indexed."""
    for group in aggregate.by:
        one = f"array[null::{type_name(types[group.name])}]"
        try:
            describe(warehouse, f"select {one} = {one} from (select 1) as q order by {one} limit 0")
        except DBAPIError:
            what = f"'{group.name}' is {types[group.name]}, whose values cannot be compared"
            yield document.problem(
                group.path, what, "group by another column, or by a text that the fact makes of it"
            )


def _computed(
    column: Column,
    columns: tuple[ColumnDefinition, ...],
    document: Document,
    warehouse: Connection,
) -> str | Problem:
    """Return the type of an expression over many rows; one that looks at one row is refused."""
    sql = expression(column.expr or "")
    before = "select count(*) as n, "
    opening = len(before) + sql.index(column.expr or "")
    nulls = ", ".join(f"null::{type_name(c.type)} as {ident(c.name)}" for c in columns)
    cast = f"::{type_name(column.type)}" if column.type else ""
    try:
        asked = f"{before}{sql}{cast} as c from (select {nulls}) as f limit 0"
        return precise(describe(warehouse, asked)[1].type, column.type or "")
    except DBAPIError as error:
        path = document.text_path(column.path, "expr")
        return refused(error, document, path, lambda at: at - opening)
