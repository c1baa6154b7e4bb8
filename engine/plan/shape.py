"""How the entries of a star look in the warehouse: names, keys, types and the rows that fill their tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from engine.mapping.clock import generated_columns
from engine.mapping.model import (
    Aggregate,
    Column,
    Dimension,
    Entry,
    Fact,
    History,
    Lookup,
    Partition,
    Star,
)
from engine.mapping.owned import DELETED_AT, policy_of
from engine.plan.steps import ColumnDefinition, Join, Rows, StandIn, Table, Value
from engine.plan.world import World, state_of

STAGE_SCHEMA = "engine_stage"
LONGEST_NAME = 63  # bytes of an identifier in PostgreSQL
EFFECTIVE = "$effective"  # when what a staged row says began, of a dimension with history
AS_OF = "as_of"
# The steps of a clock, as intervals.
STEPS = {"second": "1 s", "minute": "1 min", "quarter-hour": "15 min", "hour": "1 h"}

# A cast to one of these cuts a longer value off without a word (TRAPS 14); an assignment refuses it.
CUTTING = re.compile(r"^(character varying|character|bit varying|bit)\(\d+\)(\[\])?$")


def target(star: Star, entry: Entry) -> Table:
    """Return the table of an entry."""
    return Table(star.connection("warehouse").schema, entry.name)


def short_name(name: str, spare: int = 0) -> str:
    """Return a name that fits into an identifier: itself, or its beginning and a hash.

    `spare` is how many bytes are to be left for what is written behind it.
    """
    if len(name.encode()) <= LONGEST_NAME - spare:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return name.encode()[: LONGEST_NAME - spare - 11].decode(errors="ignore") + "_" + digest


def stage(star: Star, entry: Entry) -> Table:
    """Return the stage table of an entry; no other mapping uses it, as no mapping's name has a dot."""
    return Table(STAGE_SCHEMA, short_name(f"{star.name}.{entry.name}"))


def keys_stage(star: Star, entry: Entry) -> Table:
    """Return the table that takes the keys of all rows of an entry's source."""
    return Table(STAGE_SCHEMA, short_name(f"{star.name}.{entry.name}.keys"))


def stage_columns(entry: Entry, world: World) -> tuple[ColumnDefinition, ...]:
    """Return the columns of an entry's stage: those of its query, or the days of its calendar."""
    if isinstance(entry, Dimension) and entry.generated:
        made = (ColumnDefinition(name, type_) for name, type_ in generated_types(entry).items())
        return (ColumnDefinition(entry.key, key_type(entry)), *made)
    return tuple(ColumnDefinition(c.name, c.type) for c in world.sources[entry.name])


def generated_types(entry: Entry) -> dict[str, str]:
    """Return the types of the columns that the engine itself makes, of a calendar or a clock."""
    columns = generated_columns(entry) if isinstance(entry, Dimension) else ()
    return {name: type_ for name, type_, _ in columns}


def match_columns(entry: Entry) -> tuple[str, ...]:
    """Return what tells one row from another: the natural key of a dimension, the grain of a fact."""
    return entry.natural_key if isinstance(entry, Dimension) else entry.grain


def partition_of(entry: Entry) -> Partition | None:
    """Return how an entry is partitioned, None for one that is not."""
    return entry.partition if isinstance(entry, Fact) else None


def primary_key(entry: Entry) -> tuple[str, ...]:
    """Return what the database itself keeps rows apart by; in a partitioned table that holds the date."""
    if isinstance(entry, Dimension):
        return (entry.key,)
    if isinstance(entry, Aggregate):
        return ()  # a group may be NULL: see plan/aggregates.py
    by = (entry.partition.by,) if entry.partition else ()
    return (*entry.grain, *(name for name in by if name not in entry.grain))


def key_type(dimension: Dimension) -> str:
    """Return the type of a dimension's key: bigint for surrogates, integer for days and times (93000)."""
    return "integer" if dimension.generated else "bigint"


def member_key(entry: Entry) -> str:
    """Return the key column by which real members are told from special ones, none for a fact."""
    return entry.key if isinstance(entry, Dimension) else ""


def keys_above(entry: Entry) -> int:
    """Return the number above which keys are those of real members: midnight has the key 0."""
    return -1 if isinstance(entry, Dimension) and entry.clock else 0


def probe_name(lookup: Lookup, column: str) -> str:
    """Return the name under which World.types knows the type of a value that a lookup compares."""
    return f"{lookup.column}.{column}"


def cast_for(type_: str) -> str:
    """Return the type to cast to on the way to `type_`: without a length, so that nothing is cut off."""
    cutting = CUTTING.match(type_)
    if not cutting:
        return type_
    base, array = cutting[1], cutting[2] or ""
    if base == "bit":
        # No operator compares bit[] with varbit[]; an integer as "bit" would lose its digits.
        base = '"bit"' if array else "varbit"
    return ("bpchar" if base == "character" else base) + array


def bare(type_: str) -> str:
    """Return a type without its length or scale, for values that it must not round or cut off."""
    return "numeric" if re.match(r"^numeric\(.*\)$", type_) else cast_for(type_)


def _value(column: Column, type_: str, own: str) -> Value:
    """Say how a column is computed; `own` is the type that it has without a cast."""
    return Value(column.name, type_, column.expr, "" if type_ == own else cast_for(type_))


def combined(junk: Dimension, host: Entry, world: World) -> tuple[Value, ...]:
    """Return the columns of a junk dimension as computed from a row of an entry that it is made of."""
    types = column_types(junk, world)
    staged = {column.name: column.type for column in world.sources.get(host.name, ())}
    return tuple(
        _value(column, types[column.name], "" if column.expr else staged.get(column.name, ""))
        for column in junk.columns
    )


def _combined_join(star: Star, lookup: Lookup, junk: Dimension, world: World, entry: Entry) -> Join:
    """Look up a junk dimension: by its own expressions, or by others of the types that it has."""
    types = column_types(junk, world)
    given = (Value(n, types[n], text, cast_for(types[n])) for n, text in lookup.on if n in types)
    return Join(
        lookup.column,
        target(star, junk),
        junk.key,
        tuple(given) if lookup.on else combined(junk, entry, world),
        unknown_key(junk) if lookup.on and lookup.missing == "unknown" else None,
        nulls=True,
    )


def _join(star: Star, lookup: Lookup, world: World, entry: Entry) -> Join:
    dimension = star.dimension(lookup.dimension)
    if dimension.junk:
        return _combined_join(star, lookup, dimension, world, entry)
    on = []
    for column, expression in lookup.on:
        wanted = column_types(dimension, world).get(column, "")
        found = world.types.get(entry.name, {}).get(probe_name(lookup, column), "")
        # A day is looked up by its date: a timestamp never equals a date but at midnight.
        cast = "date" if wanted == "date" and found != "date" else ""
        step = STEPS[dimension.clock.step] if dimension.clock and column == "time" else ""
        on.append(Value(column, wanted, expression, cast, step))
    return Join(
        lookup.column,
        target(star, dimension),
        looked_up_key(lookup, dimension),
        tuple(on),
        unknown_key(dimension) if lookup.missing in {"unknown", "hold", "infer"} else None,
        history=dimension.history is not None,
        closes=may_end(dimension, world),
        as_of=Value(AS_OF, "", lookup.as_of) if lookup.as_of else None,
        null=special_key(dimension, lookup.null),
    )


def may_end(dimension: Dimension, world: World) -> bool:
    """Say whether members may have no current version: they are closed, or were when the mapping said so."""
    own = (*(c.name for c in dimension.columns), *(x.column for x in dimension.lookups))
    left = DELETED_AT in state_of(dimension, world).columns and DELETED_AT not in own
    return dimension.history is not None and (policy_of(dimension) == "close" or left)


def looked_up_key(lookup: Lookup, dimension: Dimension) -> str:
    """Return the column of a dimension that a lookup takes the key from."""
    return dimension.durable_key if lookup.key == "durable" else dimension.key


def unknown_key(dimension: Dimension) -> int | None:
    """Return the key of a dimension's unknown member, if it has one."""
    return special_key(dimension, "unknown")


def special_key(dimension: Dimension, name: str) -> int | None:
    """Return the key of a special member, if there is one of that name."""
    return {member.name: member.key for member in dimension.special_members}.get(name)


def stand_ins(star: Star, entry: Entry) -> tuple[StandIn, ...]:
    """Return the keys that rows share where a lookup of their natural key or grain finds nothing."""
    return tuple(
        stand_in
        for lookup in entry.lookups
        if lookup.column in match_columns(entry)
        for stand_in in _stand_ins(star, entry, lookup)
    )


def _stand_ins(star: Star, entry: Entry, lookup: Lookup) -> Iterator[StandIn]:
    dimension = star.dimension(lookup.dimension)
    key, null = unknown_key(dimension), special_key(dimension, lookup.null)
    is_ = f"the member '{{}}' of {dimension.name}, as these rows"
    if null is not None:
        why = (
            f"have no value to look up: take them out in the query, or drop null: at {lookup.path}"
        )
        yield StandIn(lookup.column, null, f"{is_.format(lookup.null)} {why}")
    if key is None or key == null or lookup.missing in ("reject", "fail"):
        return
    if lookup.missing == "unknown":
        made = isinstance(entry, Dimension) or dimension.generated or dimension.junk
        late = dimension.history and dimension.history.first == "effective"
        others = "reject or fail" if made or late else "infer, reject or fail"
        why = f"found no member: set missing: {others} at {lookup.path}, or mend the source"
    else:
        why = f"have no value to look up: set missing: reject or fail at {lookup.path}, or mend the source"
    yield StandIn(lookup.column, key, f"{is_.format('unknown')} {why}")


def column_types(entry: Entry, world: World) -> dict[str, str]:
    """Return the type of each of an entry's own columns."""
    known = world.types.get(entry.name, {})
    copies = generated_types(entry)
    names = {column.name: column.previous or column.name for column in entry.columns}
    return {name: known.get(of) or copies.get(of, "text") for name, of in names.items()}


def rows(star: Star, entry: Entry, world: World) -> Rows:
    """Return the rows that fill an entry's table, computed from its stage."""
    types = column_types(entry, world)
    if isinstance(entry, Dimension) and entry.junk:  # computed already, see FillCombinations
        return Rows(stage(star, entry), tuple(Value(c.name, types[c.name]) for c in entry.columns))
    staged = {column.name: column.type for column in world.sources.get(entry.name, ())}
    values = [
        _value(
            column,
            types[column.name],
            staged.get(column.name, types[column.name])
            if column.expr is None
            else world.types.get(entry.name, {}).get(f"={column.name}", ""),
        )
        for column in entry.columns
        if not column.previous
    ]
    if isinstance(entry, Dimension) and entry.generated:
        values.insert(0, Value(entry.key, key_type(entry)))
    joins = tuple(_join(star, lookup, world, entry) for lookup in entry.lookups)
    return Rows(stage(star, entry), tuple(values), joins)


def filled_table(star: Star, fact: Fact) -> Table:
    """Return the table of the rows that a dense snapshot has and its query has not."""
    return Table(STAGE_SCHEMA, short_name(f"{star.name}.{fact.name}.filled"))


def rows_to_load(star: Star, entry: Entry, world: World) -> Rows:
    """Return the rows that an entry's table gets: those of its stage, and those that make it dense."""
    own = rows(star, entry, world)
    if isinstance(entry, Fact) and entry.dense:
        return replace(own, filled=filled_table(star, entry))
    return own


def time_type(dimension: Entry, world: World) -> str:
    """Return the type of the times of a dimension's history: a timestamp of the run, or what it is told."""
    known = world.types.get(dimension.name, {})
    return known.get(EFFECTIVE, "timestamp with time zone")


def tick(time: str) -> str:
    """Return the shortest interval between two values of a type of times."""
    family = time.partition("(")[0] + time.partition(")")[2]
    return "1 day" if family == "date" else "1 microsecond" if time == family else "1 second"


def events(star: Star, dimension: Dimension, history: History, world: World) -> Rows:
    """Return the rows of a dimension with history, each with the time since when it is so."""
    own = rows(star, dimension, world)
    time = Value(EFFECTIVE, time_type(dimension, world), history.effective or "now()")
    return Rows(own.stage, (*own.values, time), own.joins)
