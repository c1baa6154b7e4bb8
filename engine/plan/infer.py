"""Inferred members (missing: infer): made of keys that facts have, completed by their own first row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.mapping.model import Dimension, Entry, Fact, Scalar, Star
from engine.plan.columns import definitions
from engine.plan.durable import durable_steps
from engine.plan.shape import bare, rows, stage, target
from engine.plan.steps import ColumnDefinition, InferMembers, Rule, Step
from engine.plan.world import World, state_of


def infer_steps(
    star: Star, entry: Entry, world: World, rule: Callable[[str, str], Rule]
) -> Iterator[Step]:
    """Plan the members that the staged rows of a fact look up, and that are not there."""
    inferring = (
        [x for x in entry.lookups if x.missing == "infer"] if isinstance(entry, Fact) else ()
    )
    joins = {join.column: join for join in rows(star, entry, world).joins} if inferring else {}
    for lookup in inferring:
        dimension = star.dimension(lookup.dimension)
        yield InferMembers(
            entry=dimension.name,
            host=entry.name,
            stage=stage(star, entry),
            join=joins[lookup.column],
            table=target(star, dimension),
            key=dimension.key,
            values=tuple(_given(star, dimension, world)),
            rule=rule(lookup.path, f"members of {dimension.name} for {lookup.column}"),
        )
        yield from durable_steps(star, dimension, inferred=True)


def _given(
    star: Star, dimension: Dimension, world: World
) -> Iterator[tuple[ColumnDefinition, Scalar]]:
    """Return what an inferred member has beside its natural key: nothing, where a column takes that.

    The keys of its own lookups are those of unknown members, and a column that is NOT NULL, by the hand of
    somebody, has what the dimension's unknown member has. What has a default of its own keeps it.
    """
    unknown = next((m for m in dimension.special_members if m.name == "unknown"), None)
    said = dict(unknown.values) if unknown else {}
    looked_up = {lookup.column for lookup in dimension.lookups}
    not_null = state_of(dimension, world).not_null
    for column in definitions(star, dimension, world):
        if column.name in dimension.natural_key:
            continue
        if column.name in looked_up and column.default is not None:
            yield column, column.default
        elif column.name in not_null and column.name in said:
            yield ColumnDefinition(column.name, bare(column.type)), said[column.name]
