"""How the staged rows of an entry get into its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.mapping.model import Aggregate, Dimension, Entry, Star
from engine.plan.aggregates import aggregate_steps
from engine.plan.columns import definitions
from engine.plan.deletes import delete_steps
from engine.plan.dense import dense_steps
from engine.plan.durable import durable_steps
from engine.plan.held import retry_steps, waiting_for
from engine.plan.hierarchy import hierarchy_steps
from engine.plan.history import history_steps
from engine.plan.junk import junk_steps
from engine.plan.keys import dropped_keys, key_steps
from engine.plan.milestones import milestone_steps
from engine.plan.partition import added, created_ahead, dropped
from engine.plan.reject import Locate, reject_steps
from engine.plan.shape import (
    bare,
    stage,
    stage_columns,
    target,
)
from engine.plan.steps import (
    Analyze,
    CountInferred,
    EnsureMember,
    Quarantine,
    RejectExpired,
    Rule,
    Step,
)
from engine.plan.world import World, infers, state_of
from engine.plan.write import continued, outdated, row_steps, spread


def load_steps(star: Star, entry: Entry, world: World, place: Locate) -> Iterator[Step]:
    """Plan how the staged rows of an entry get into its table."""
    if isinstance(entry, Dimension) and entry.junk:
        yield from junk_steps(star, entry, world, tuple(member_steps(star, entry, world)))
        return
    if isinstance(entry, Aggregate):
        yield from aggregate_steps(star, entry, world)
        return
    keys = (*key_steps(star, entry, world), *continued(star, entry, world))
    fresh = state_of(entry, world).empty
    members = tuple(member_steps(star, entry, world)) if isinstance(entry, Dimension) else ()
    if members and not keys:  # first, as a member may give up a natural key that a row has now
        yield from members
    yield from retry_steps(star, entry, world)
    yield from milestone_steps(star, entry, world)
    yield from _clean_steps(
        star,
        entry,
        world,
        place,
        prove=not (fresh and keys)
        or _versioned(entry)
        or spread(entry)
        or bool(waiting_for(entry)),
    )
    yield from dense_steps(star, entry, world, place)
    yield from added(star, entry, world)
    yield from outdated(star, entry, world)
    if isinstance(entry, Dimension) and entry.history:
        yield from dropped_keys(star, entry, world)
        yield from history_steps(star, entry, entry.history, world)
        yield from durable_steps(star, entry)
    else:
        keys = yield from row_steps(star, entry, world, place, keys)
    yield from keys
    if keys:
        yield from members
    if entry.load != "replace":
        yield from delete_steps(star, entry, world, place)
    # At the end, as until the commit nobody else can read a table that gets or loses a partition.
    if state_of(entry, world).exists:
        yield from created_ahead(star, entry, world)
        yield from dropped(star, entry, world)
    if fresh:
        yield Analyze(entry=entry.name, table=target(star, entry))
    if isinstance(entry, Dimension) and not infers(entry, world):
        yield from hierarchy_steps(star, entry, world, place)


def last_steps(star: Star, entry: Entry, world: World, place: Locate) -> Iterator[Step]:
    """Plan what can be said of a dimension only when every fact has inferred its members."""
    if isinstance(entry, Dimension) and infers(entry, world):
        yield from hierarchy_steps(star, entry, world, place)
        yield CountInferred(entry=entry.name, table=target(star, entry))


def _versioned(entry: Entry) -> bool:
    return isinstance(entry, Dimension) and entry.history is not None


def _clean_steps(
    star: Star, entry: Entry, world: World, place: Locate, *, prove: bool
) -> Iterator[Step]:
    """Plan what takes rows out of the batch and keeps them in quarantine."""
    rules: list[Rule] = []
    for step, rule in reject_steps(star, entry, world, place, prove=prove):
        kept = step.measure == "rejected" and not isinstance(step, RejectExpired)
        rules += [rule] if kept else []
        yield step
    if rules:
        yield Quarantine(
            entry=entry.name,
            mapping=star.name,
            stage=stage(star, entry),
            columns=stage_columns(entry, world),
            rules=tuple(dict.fromkeys(rules)),
        )


def member_steps(star: Star, dimension: Dimension, world: World) -> Iterator[Step]:
    """Plan the special members of a dimension; they need its primary key."""
    # What has a default of its own, as the period of a version, is right for special members too; the keys
    # of lookups are said again, as the unknown member's key may be another one now.
    looked_up = {lookup.column for lookup in dimension.lookups}
    wanted = [
        column
        for column in definitions(star, dimension, world)
        if column.name != dimension.key
        and (column.default is None or column.name in looked_up)
        and not column.computed
    ]
    defaults = {column.name: column.default for column in wanted}
    for member in dimension.special_members:
        durable = {dimension.durable_key: member.key}
        given = {**defaults, **durable, **dict(member.values)}
        yield EnsureMember(
            entry=dimension.name,
            table=target(star, dimension),
            member=member.name,
            key=dimension.key,
            number=member.key,
            identity=dimension.generated is None,
            values=tuple(
                (replace(column, type=bare(column.type)), given.get(column.name))
                for column in wanted
            ),
        )
