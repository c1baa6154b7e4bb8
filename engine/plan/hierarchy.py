"""The closure table of a hierarchy: beside its dimension, and brought in line when members have changed."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.mapping.history import IS_CURRENT
from engine.mapping.model import Dimension, Hierarchy, Star
from engine.plan.reject import Locate, rule_of
from engine.plan.shape import STAGE_SCHEMA, short_name, target
from engine.plan.steps import (
    AddPrimaryKey,
    AddUniqueIndex,
    Analyze,
    AnalyzeLinks,
    BuildClosure,
    BuildLinks,
    ColumnDefinition,
    CountCircles,
    CountOrphans,
    CreateTable,
    DeleteClosure,
    DescribeColumn,
    DescribeTable,
    InsertClosure,
    Step,
    Table,
    Tree,
    UpdateClosure,
)
from engine.plan.world import Reading, TableState, World

ANCESTOR, DESCENDANT = "ancestor_key", "descendant_key"
IN_A_CIRCLE = "members are their own ancestors, or below such a one"


def columns_of(dimension: Dimension) -> tuple[ColumnDefinition, ...]:
    """Return the columns of a closure table."""
    key = dimension.durable_key or dimension.key
    wanted = (
        (ANCESTOR, "bigint", f"{key} of the member itself, or of one above it"),
        (DESCENDANT, "bigint", f"{key} of the member"),
        ("depth", "integer", "How many levels the ancestor is above; 0 for the member itself"),
        ("is_top", "boolean", "Whether the ancestor has no parent"),
        ("is_leaf", "boolean", "Whether the member is nobody's parent"),
    )
    return tuple(ColumnDefinition(name, type_, text, not_null=True) for name, type_, text in wanted)


def hierarchy_table(star: Star, dimension: Dimension) -> Iterator[Step]:
    """Return what makes an empty closure table, with its keys."""
    for hierarchy in _hierarchy(dimension):
        table = Table(target(star, dimension).schema, hierarchy.table)
        yield CreateTable(entry=dimension.name, table=table, columns=columns_of(dimension))
        yield from _keys(dimension, table, TableState())
        yield from _descriptions(dimension, table, TableState())


def hierarchy_steps(
    star: Star, dimension: Dimension, world: World, place: Locate
) -> Iterator[Step]:
    """Plan the closure table of a dimension, when its members are as they should be."""
    for hierarchy in _hierarchy(dimension):
        name, table = dimension.name, Table(target(star, dimension).schema, hierarchy.table)
        state = world.tables.get(hierarchy.table, TableState())
        tree = _tree(star, dimension, hierarchy, table)
        always = state.empty or world.readings.get(name, Reading()).reconcile
        rule = rule_of(f"{hierarchy.path}.parent", IN_A_CIRCLE, place)
        if not state.exists:
            yield CreateTable(entry=name, table=table, columns=columns_of(dimension))
        yield BuildLinks(entry=name, tree=tree, always=always)
        yield AnalyzeLinks(entry=name, tree=tree, always=always)
        yield CountOrphans(entry=name, tree=tree, always=always)
        warn = hierarchy.cycles == "warn"
        yield CountCircles(entry=name, tree=tree, always=always, rule=rule, warn=warn)
        yield BuildClosure(entry=name, tree=tree, always=always, warn=warn)
        if not state.empty:
            yield DeleteClosure(entry=name, tree=tree, always=always)
            yield UpdateClosure(entry=name, tree=tree, always=always)
        yield InsertClosure(entry=name, tree=tree, always=always)
        yield from _keys(dimension, table, state)
        yield from _descriptions(dimension, table, state)
        if state.empty:
            yield Analyze(entry=name, table=table)


def hierarchy_problems(
    star: Star, dimension: Dimension, world: World, place: Locate
) -> Iterator[Problem]:
    """Find a table of that name that is another one."""
    for hierarchy in _hierarchy(dimension):
        state = world.tables.get(hierarchy.table, TableState())
        missing = [c.name for c in columns_of(dimension) if c.name not in state.columns]
        if state.exists and missing:
            table = Table(target(star, dimension).schema, hierarchy.table)
            yield Problem(
                place(f"{hierarchy.path}.table"),
                f"table {table} is there, and has no column '{missing[0]}'",
                "give the hierarchy another table: a name that is free",
            )


def _hierarchy(dimension: Dimension) -> Iterator[Hierarchy]:
    if dimension.hierarchy:
        yield dimension.hierarchy


def _tree(star: Star, dimension: Dimension, hierarchy: Hierarchy, table: Table) -> Tree:
    stem = f"{star.name}.{dimension.name}"
    return Tree(
        members=target(star, dimension),
        key=dimension.durable_key or dimension.key,
        parents=hierarchy.parent,
        current=IS_CURRENT if dimension.history else "",
        links=Table(STAGE_SCHEMA, short_name(f"{stem}.links")),
        closure=Table(STAGE_SCHEMA, short_name(f"{stem}.closure")),
        table=table,
    )


def _keys(dimension: Dimension, table: Table, state: TableState) -> Iterator[Step]:
    up, down = (DESCENDANT, ANCESTOR), (ANCESTOR, DESCENDANT)
    if state.primary_key != up:
        yield AddPrimaryKey(entry=dimension.name, table=table, columns=up)
    if down not in state.unique:
        name = short_name(f"{table.name}_{ANCESTOR}_{DESCENDANT}_key")
        yield AddUniqueIndex(entry=dimension.name, table=table, name=name, columns=down)


def _descriptions(dimension: Dimension, table: Table, state: TableState) -> Iterator[Step]:
    about = f"The members of {dimension.name}, each with itself and all above it"
    if state.description != about:
        yield DescribeTable(entry=dimension.name, table=table, description=about)
    for column in columns_of(dimension):
        if state.descriptions.get(column.name) != column.description:
            yield DescribeColumn(
                entry=dimension.name,
                table=table,
                column=column.name,
                description=column.description,
            )
