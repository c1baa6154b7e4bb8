"""From the mapping and the world to the plan. Pure: the same question always gets the same plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from engine.errors import refuse
from engine.mapping.model import Aggregate, Dimension, Entry, Star
from engine.plan.aggregates import group_index
from engine.plan.audit import stamped
from engine.plan.backfill import backfill_problems
from engine.plan.bridge import bridge_steps
from engine.plan.checks import check_steps, counts_with_source, proved_by_key
from engine.plan.drift import by_hand, drift, of_inferred
from engine.plan.durable import outdated_view, view_problems, view_steps
from engine.plan.exclusion import exclusion_problems, exclusion_steps
from engine.plan.fingerprint import fingerprint
from engine.plan.held import held_problems
from engine.plan.hierarchy import hierarchy_problems, hierarchy_table
from engine.plan.junk import hosts
from engine.plan.keys import junk_problems, key_steps
from engine.plan.load import last_steps, load_steps
from engine.plan.measures import measures_steps
from engine.plan.partition import partition_problems
from engine.plan.reject import Locate
from engine.plan.roles import dropped_roles, left_over_roles, role_problems, role_steps
from engine.plan.schema import (
    create_schema,
    description_steps,
    left_over,
    left_over_tables,
    schema_problems,
    table_steps,
)
from engine.plan.select import brought_along, chosen
from engine.plan.snapshot import period_notices
from engine.plan.stage import stage_plan
from engine.plan.steps import Notice, Plan, Step
from engine.plan.streams import stream_problems
from engine.plan.world import Reading, World, state_of
from engine.plan.write import born_filled


def build(star: Star, world: World, place: Locate, select: Iterable[str] = ()) -> Plan:
    """Plan a run of the selected entries, all of them when none is named.

    Raises MappingError when the tables cannot become what the mapping wants without losing data.
    """
    select = tuple(select)
    entries = chosen(star, select)
    junk = [entry for entry in entries if isinstance(entry, Dimension) and entry.junk]
    kept = tuple(entry for entry in entries if entry.name in world.kept)
    unread = (*kept, *(entry for entry in entries if isinstance(entry, Aggregate)))
    refuse(
        [
            *(p for entry in entries for p in partition_problems(star, entry, world, place)),
            *(p for entry in entries for p in backfill_problems(star, entry, world, place)),
            *(p for entry in entries for p in schema_problems(star, entry, world, place)),
            *(p for entry in entries for p in view_problems(star, entry, world, place)),
            *(p for entry in entries for p in held_problems(star, entry, world, place)),
            *(p for entry in entries for p in stream_problems(entry, world, place)),
            *(p for entry in junk for p in junk_problems(star, entry, world, place)),
            *(
                p
                for entry in entries
                if isinstance(entry, Dimension)
                for p in (
                    *exclusion_problems(entry, world, place),
                    *hierarchy_problems(star, entry, world, place),
                )
            ),
            *role_problems(star, world, place),
        ]
    )
    plan = Plan(
        mapping=star.name,
        schema=(
            *create_schema(star, world),
            *(
                step
                for entry in entries
                if not born_filled(star, entry, world)
                for step in (
                    *dropped_roles(star, entry, world),
                    *outdated_view(star, entry, world),
                    *table_steps(star, entry, world),
                )
            ),
            *measures_steps(star, world),
        ),
        entries=tuple(entry.name for entry in entries),
        stages=tuple(
            stage_plan(star, entry, world) for entry in entries if entry not in (*junk, *unread)
        ),
        kept=tuple(entry.name for entry in kept),
        hosts={
            **{entry.name: hosts(entry, world) for entry in junk},
            **{entry.name: () for entry in unread},
        },
        load=tuple(stamped(star, step) for step in _loading(star, entries, world, place)),
        checks=tuple(
            step
            for entry in entries
            for step in (
                *check_steps(star, entry, world, state_of(entry, world).empty),
                *bridge_steps(star, entry, world),
            )
        ),
        source_counts=tuple(
            (entry.name, check)
            for entry in entries
            for check in entry.checks
            if counts_with_source(check)
        ),
        proved=tuple(
            (entry.name, check)
            for entry in entries
            for check in entry.checks
            if proved_by_key(entry, check)
        ),
        fingerprints={entry.name: fingerprint(star, entry) for entry in entries},
        notices=(
            *brought_along(star, select),
            *left_over_roles(star, world),
            *left_over_tables(star, world),
            *(
                notice
                for entry in entries
                for notice in (
                    *left_over(star, entry, world),
                    *_reading_notice(entry, world),
                    *period_notices(star, entry, world),
                )
            ),
        ),
    )
    return _compared(star, plan, entries, world)


def _loading(star: Star, entries: Collection[Entry], world: World, place: Locate) -> Iterator[Step]:
    """Plan the load of one entry after the other, and what follows the last of them."""
    for entry in entries:
        if entry.name not in world.kept:
            yield from load_steps(star, entry, world, place)
        if isinstance(entry, Dimension):
            yield from exclusion_steps(star, entry, world)
        yield from description_steps(star, entry, world)
        yield from role_steps(star, entry, world)
        yield from view_steps(star, entry, world)
    for entry in entries:
        yield from last_steps(star, entry, world, place)


def _compared(star: Star, plan: Plan, entries: Iterable[Entry], world: World) -> Plan:
    """Add to a plan what it says about drift."""
    steps = (*plan.schema, *plan.load)
    told = [*left_over_roles(star, world), *left_over_tables(star, world)]
    by_others: list[Notice] = []
    for entry in entries:
        told += [*left_over(star, entry, world), *drift(star, entry, world, steps)]
        defined = (step for step in steps if not of_inferred(step))
        by_others += by_hand(star, entry, drift(star, entry, world, defined), world)
    return replace(plan, drift=tuple(told), notices=(*plan.notices, *by_others))


def _reading_notice(entry: Entry, world: World) -> Iterator[Notice]:
    reading = world.readings.get(entry.name, Reading())
    if reading.reason:
        yield Notice(entry.name, reading.reason)


def create_statements(star: Star, world: World) -> Iterator[Step]:
    """Return the steps that make an empty star: schema, tables, keys, descriptions."""
    bare = World(world.sources, world.types, today=world.today, btree_gist=world.btree_gist)
    yield from create_schema(star, bare)
    for entry in star.entries:
        yield from table_steps(star, entry, bare)
        yield from key_steps(star, entry, bare)
        yield from group_index(star, entry, bare) if isinstance(entry, Aggregate) else ()
        yield from exclusion_steps(star, entry, bare) if isinstance(entry, Dimension) else ()
        yield from description_steps(star, entry, bare)
        yield from role_steps(star, entry, bare)
        yield from view_steps(star, entry, bare)
        yield from hierarchy_table(star, entry) if isinstance(entry, Dimension) else ()
    yield from measures_steps(star, bare)
