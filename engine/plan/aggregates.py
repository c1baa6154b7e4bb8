"""Aggregates: tables that every run makes equal to a query over their fact, in the same transaction.

The groups are computed anew from the whole fact and compared: what has changed in a fact, or in a
dimension that its rows are grouped by, need not be known, and nothing can be missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from engine.mapping.model import Aggregate, Fact, Group, Star
from engine.mapping.owned import deleted_flag
from engine.plan.shape import cast_for, column_types, short_name, stage, target
from engine.plan.steps import (
    AddGroupIndex,
    Analyze,
    CountGroups,
    DeleteGroups,
    DropIndex,
    EmptyGroups,
    FillGroups,
    GroupedBy,
    InsertGroups,
    Step,
    Table,
    UpdateGroups,
    Value,
)
from engine.plan.world import World, state_of

GROUPS = "groups_"  # what the names of indexes over groups begin with


def aggregate_steps(star: Star, aggregate: Aggregate, world: World) -> Iterator[Step]:
    """Plan to make an aggregate equal to its fact, which is loaded already."""
    name, table, own = aggregate.name, target(star, aggregate), stage(star, aggregate)
    state, types = state_of(aggregate, world), column_types(aggregate, world)
    keys = tuple(group_index(star, aggregate, world))
    yield FillGroups(
        entry=name,
        stage=own,
        fact=Table(table.schema, aggregate.fact),
        by=tuple(_grouped_by(star, aggregate, group) for group in aggregate.by),
        values=tuple(
            Value(c.name, types[c.name], c.expr, cast_for(c.type) if c.type else "")
            for c in aggregate.sums
        ),
        deleted=deleted_flag(_fact(star, aggregate)),
    )
    yield Analyze(entry=name, table=own)
    yield from _outdated(star, aggregate, world)
    if keys and not state.empty:
        yield EmptyGroups(entry=name, table=table)
    fresh = state.empty or bool(keys)
    groups: dict[str, Any] = {
        "entry": name,
        "table": table,
        "stage": own,
        "match": aggregate.grain,
        "compare": tuple(column.name for column in aggregate.sums),
        "types": types,
    }
    if not fresh:
        yield CountGroups(**groups)
        yield UpdateGroups(**groups)
        yield DeleteGroups(**groups)
    yield InsertGroups(**groups, fresh=fresh)
    yield from keys
    if fresh:
        yield Analyze(entry=name, table=table)


def _fact(star: Star, aggregate: Aggregate) -> Fact:
    return next(fact for fact in star.facts if fact.name == aggregate.fact)


def _grouped_by(star: Star, aggregate: Aggregate, group: Group) -> GroupedBy:
    if not group.lookup:
        return GroupedBy(group.name, group.column)
    lookups = _fact(star, aggregate).lookups
    lookup = next(lookup for lookup in lookups if lookup.column == group.lookup)
    dimension = star.dimension(lookup.dimension)
    return GroupedBy(
        group.name, group.column, target(star, dimension), dimension.key, lookup.column
    )


def group_index(star: Star, aggregate: Aggregate, world: World) -> Iterator[Step]:
    """Return what lets the database refuse a second row of a group, if it does not do so yet."""
    name = _index_name(aggregate)
    if name not in state_of(aggregate, world).computed:
        yield AddGroupIndex(
            entry=aggregate.name,
            table=target(star, aggregate),
            name=name,
            columns=aggregate.grain,
        )


def _index_name(aggregate: Aggregate) -> str:
    """Return the name of the index over an aggregate's groups: other columns, another name."""
    digest = hashlib.sha256(repr(aggregate.grain).encode()).hexdigest()[:8]
    return short_name(f"{GROUPS}{digest}_{aggregate.name}")


def _outdated(star: Star, aggregate: Aggregate, world: World) -> Iterator[Step]:
    """Return what takes away the index over the columns that groups were told apart by before."""
    schema = target(star, aggregate).schema
    for name in sorted(state_of(aggregate, world).computed - {_index_name(aggregate)}):
        if name.startswith(GROUPS):
            yield DropIndex(entry=aggregate.name, index=Table(schema, name))
