"""What becomes of rows that the source no longer has: its keys, all of them, compared with the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.mapping.history import IS_CURRENT
from engine.mapping.model import Deletes, Dimension, Entry, Fact, Star
from engine.mapping.owned import IS_DELETED, IS_INFERRED, deletes_of, policy_of
from engine.plan.backfill import range_of
from engine.plan.present import present_rows
from engine.plan.reject import Locate, rule_of
from engine.plan.shape import (
    STAGE_SCHEMA,
    match_columns,
    member_key,
    rows,
    short_name,
    target,
    tick,
    time_type,
)
from engine.plan.steps import (
    CloseGone,
    FindGone,
    FlagGone,
    FlagReferred,
    ProveFew,
    RemoveGone,
    ReopenReturned,
    Rows,
    Step,
    Table,
    UnflagReturned,
)
from engine.plan.world import World, infers, state_of

TOO_MANY = (
    "more than deletes.max allows: if the source is all there, run once with --allow-deletes, "
    "or raise max"
)


def delete_steps(star: Star, entry: Entry, world: World, place: Locate) -> Iterator[Step]:
    """Plan what becomes of rows that are gone, and of those that returned; the read rows are in the table."""
    deletes = deletes_of(entry)
    if deletes is None or state_of(entry, world).empty:
        return
    policy = policy_of(entry)
    match, table = match_columns(entry), target(star, entry)
    within = range_of(star, entry, world)
    if within and policy != "flag":
        return  # a backfill deletes by itself, in its range
    if not policy:  # a replace, which deletes by itself
        yield from _prove(
            find_gone(star, entry, world, _loaded(star, entry, world)), deletes, world, place
        )
        return
    own = present_rows(star, entry, world)
    find = replace(find_gone(star, entry, world, own), within=within)
    yield from _prove(find, deletes, world, place)
    if policy == "close" and isinstance(entry, Dimension):
        yield _close(entry, find, world)
        return
    if policy == "flag":
        yield FlagGone(entry=entry.name, find=find)
    else:
        yield RemoveGone(entry=entry.name, find=find)
        if isinstance(entry, Fact):
            return
        yield FlagReferred(entry=entry.name, find=find)
    yield UnflagReturned(entry=entry.name, table=table, rows=own, match=match)


def reopened(star: Star, dimension: Dimension, world: World) -> ReopenReturned:
    """Plan that the last versions of members go on that are there again."""
    return ReopenReturned(
        entry=dimension.name,
        table=target(star, dimension),
        rows=present_rows(star, dimension, world),
        match=dimension.natural_key,
        key=dimension.key,
    )


def _loaded(star: Star, entry: Entry, world: World) -> Rows:
    return rows(star, entry, world).only(match_columns(entry))


def find_gone(star: Star, entry: Entry, world: World, own: Rows) -> FindGone:
    """Plan to find what is gone; special members, and those that no row of the source has made, are not."""
    policy = policy_of(entry)
    versioned = isinstance(entry, Dimension) and entry.history is not None
    lasting = policy == "remove" and isinstance(entry, Dimension)
    return FindGone(
        entry=entry.name,
        gone=Table(STAGE_SCHEMA, short_name(f"{star.name}.{entry.name}.gone")),
        table=target(star, entry),
        rows=own,
        match=match_columns(entry),
        key=member_key(entry),
        alive=(IS_CURRENT,) if versioned and not lasting else (),
        dead=(
            *((IS_DELETED,) if policy == "flag" else ()),
            *((IS_INFERRED,) if infers(entry, world) else ()),  # the source never had them
        ),
        lasting=IS_DELETED if lasting else "",
        referenced_by=referring(star, entry, world) if lasting else (),
    )


def _prove(find: FindGone, deletes: Deletes, world: World, place: Locate) -> Iterator[Step]:
    yield find
    if not world.allow_deletes:
        rule = rule_of(deletes.path, TOO_MANY, place)
        yield ProveFew(entry=find.entry, find=find, tolerance=deletes.tolerance, rule=rule)


def _close(dimension: Dimension, find: FindGone, world: World) -> CloseGone:
    time = time_type(dimension, world)
    family = time.partition("(")[0] + time.partition(")")[2]
    effective = dimension.history.effective if dimension.history else None
    moments = world.moments.get(dimension.name, {})
    return CloseGone(
        entry=dimension.name,
        find=find,
        time=time,
        moment=moments.get(family, "") if effective else "",
        tick=tick(time),
    )


def referring(star: Star, entry: Entry, world: World) -> tuple[tuple[Table, str], ...]:
    """Return every table and key column that refers to a dimension and is there already."""
    return tuple(
        (target(star, other), lookup.column)
        for other in star.entries
        for lookup in other.lookups
        if lookup.dimension == entry.name and lookup.column in state_of(other, world).columns
    )
