"""From the tables that are there to the tables that are wanted: what is added, what is refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from itertools import takewhile

from engine.errors import Place, Problem
from engine.mapping.history import IS_CURRENT, VALID_FROM, VALID_TO
from engine.mapping.model import Dimension, Entry, Star
from engine.mapping.owned import IS_INFERRED
from engine.plan.audit import default_steps
from engine.plan.columns import definitions
from engine.plan.partition import created_ahead, remade
from engine.plan.shape import (
    match_columns,
    partition_of,
    primary_key,
    short_name,
    stand_ins,
    target,
)
from engine.plan.steps import (
    AddColumn,
    AddCombinationIndex,
    AddPeriodCheck,
    AddPrimaryKey,
    AddUniqueIndex,
    ColumnDefinition,
    CreateSchema,
    CreateTable,
    DescribeColumn,
    DescribeTable,
    DropIndex,
    DropNotNull,
    Notice,
    Step,
    Table,
    WidenColumn,
)
from engine.plan.steps.base import quoted
from engine.plan.world import TableState, World, infers, state_of

CURRENT_KEY, INFERRED_KEY = "current_key", "inferred_key"  # of some of the rows only
COMBINATION = "combination_"  # what the names of indexes over junk begin with
INTEGERS = ("smallint", "integer", "bigint")
SIZED = re.compile(r"^(character varying|numeric|bit varying)(?:\((\d+)(?:,(-?\d+))?\))?$")
TIMED = re.compile(r"^(timestamp|time|interval)(?:\((\d)\))?( with(?:out)? time zone)?$")


def create_schema(star: Star, world: World) -> tuple[Step, ...]:
    """Return the step that makes the star's schema when it is not there."""
    if world.schema_exists:
        return ()
    return (CreateSchema(schema=star.connection("warehouse").schema),)


def table_steps(star: Star, entry: Entry, world: World) -> tuple[Step, ...]:
    """Return what makes the table of an entry hold every wanted column."""
    state, table = world.tables.get(entry.name, TableState()), target(star, entry)
    wanted = definitions(star, entry, world)
    if not state.exists:
        partition = partition_of(entry)
        by = partition.by if partition else ""
        create = CreateTable(entry=entry.name, table=table, columns=wanted, partition_by=by)
        return (create, *created_ahead(star, entry, world))
    return tuple(_column_steps(entry, table, wanted, state))


def _column_steps(
    entry: Entry, table: Table, wanted: Collection[ColumnDefinition], state: TableState
) -> Iterator[Step]:
    for column in wanted:
        present = state.columns.get(column.name)
        if present is None:
            added = column if column.default is not None else replace(column, not_null=False)
            yield AddColumn(entry=entry.name, table=table, column=replace(added, computed=""))
        elif present != column.type and holds(column.type, present):
            yield WidenColumn(entry=entry.name, table=table, column=column, present=present)
    yield from default_steps(entry, table, state)
    filled = {column.name for column in wanted}
    for name in state.columns:
        unsaid = name in state.not_null and name in state.unfilled
        if unsaid and name not in filled and name not in state.primary_key:
            yield DropNotNull(entry=entry.name, table=table, column=name)


def key_steps(star: Star, entry: Entry, world: World) -> tuple[Step, ...]:
    """Return what declares the keys of an entry's table: the database itself refuses a second row."""
    state, table = world.tables.get(entry.name, TableState()), target(star, entry)
    primary = primary_key(entry)
    steps: list[Step] = []
    if primary and state.primary_key != primary:
        steps.append(
            AddPrimaryKey(
                entry=entry.name, table=table, columns=primary, stand_ins=stand_ins(star, entry)
            )
        )
    if isinstance(entry, Dimension) and entry.junk:
        name = _combination_name(entry)
        if name not in state.computed:
            columns = entry.natural_key
            steps.append(
                AddCombinationIndex(
                    entry=entry.name, table=table, name=name, key=entry.key, columns=columns
                )
            )
    elif isinstance(entry, Dimension) and entry.history:
        steps += _version_keys(star, entry, world)
    elif isinstance(entry, Dimension) and entry.natural_key not in state.unique:
        name = _key_name(star, entry, entry.natural_key, "key", world)
        steps.append(
            AddUniqueIndex(
                entry=entry.name,
                table=table,
                name=name,
                columns=entry.natural_key,
                versions={VALID_FROM, IS_CURRENT} <= state.columns.keys(),
            )
        )
    if isinstance(entry, Dimension) and infers(entry, world):
        # It finds the few of them at once.
        name = _key_name(star, entry, entry.natural_key, INFERRED_KEY, world)
        if name not in state.indexes:
            steps.append(
                AddUniqueIndex(
                    entry=entry.name,
                    table=table,
                    name=name,
                    columns=entry.natural_key,
                    where=IS_INFERRED,
                )
            )
    return tuple(steps)


def _key_name(
    star: Star, dimension: Dimension, columns: tuple[str, ...], ending: str, world: World
) -> str:
    """Return the name of a unique index: another one, with a hash, where something else has that name.

    The index of dim_user over id would be called as that of dim over user_id.
    """
    state = state_of(dimension, world)
    name = _plain_name(dimension, columns, ending)
    if state.indexes.get(name) == columns:
        return name
    digest = hashlib.sha256(repr((dimension.name, columns, ending)).encode()).hexdigest()[:10]
    own = short_name(f"{dimension.name}_{digest}_{ending}")
    others = takewhile(lambda other: other.name != dimension.name, star.dimensions)
    taken = {entry.name for entry in star.entries} | world.taken
    taken |= {_plain_name(other, *key) for other in others for key in _keys(other)}
    return own if own in state.indexes or name in taken else name


def _plain_name(dimension: Dimension, columns: tuple[str, ...], ending: str) -> str:
    """Return the name of an index over a dimension: of a long one the end is a hash."""
    return short_name("_".join((dimension.name, *columns, ending)))


def _keys(dimension: Dimension) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return the columns of every unique index that a dimension may have, and the end of its name."""
    match = dimension.natural_key
    yield from ((match, ending) for ending in ("key", CURRENT_KEY, INFERRED_KEY))
    yield (*match, VALID_FROM), "key"
    yield (dimension.durable_key, VALID_FROM), "key"


def _combination_name(junk: Dimension) -> str:
    """Return the name of the index over a junk dimension's columns: other columns, another name."""
    digest = hashlib.sha256(repr(junk.natural_key).encode()).hexdigest()[:8]
    return short_name(f"{COMBINATION}{digest}_{junk.name}")


def outdated_keys(star: Star, junk: Dimension, world: World) -> Iterator[Step]:
    """Return what takes away the index over the columns that a junk dimension had before."""
    state, schema = world.tables.get(junk.name, TableState()), target(star, junk).schema
    for name in sorted(state.computed - {_combination_name(junk)}):
        if name.startswith(COMBINATION):
            yield DropIndex(entry=junk.name, index=Table(schema, name))


def _version_keys(star: Star, dimension: Dimension, world: World) -> Iterator[Step]:
    """Return what lets the database refuse two current versions, two at one time, and one without time."""
    name, match = dimension.name, dimension.natural_key
    state, table = state_of(dimension, world), target(star, dimension)
    current = _key_name(star, dimension, match, CURRENT_KEY, world)
    if current not in state.indexes:
        yield AddUniqueIndex(entry=name, table=table, name=current, columns=match, where=IS_CURRENT)
    if (*match, VALID_FROM) not in state.unique:
        begins = _key_name(star, dimension, (*match, VALID_FROM), "key", world)
        yield AddUniqueIndex(entry=name, table=table, name=begins, columns=(*match, VALID_FROM))
    durable = (dimension.durable_key, VALID_FROM)
    if dimension.durable_key and durable not in state.unique:
        one = _key_name(star, dimension, durable, "key", world)
        yield AddUniqueIndex(entry=name, table=table, name=one, columns=durable)
    period = short_name(f"{name}_period_check")
    if period not in state.checks:
        yield AddPeriodCheck(entry=name, table=table, name=period, low=VALID_FROM, high=VALID_TO)


def dropped_keys(star: Star, dimension: Dimension, world: World) -> Iterator[Step]:
    """Return what lets a dimension that had one row for each member have several."""
    state, schema = world.tables.get(dimension.name, TableState()), target(star, dimension).schema
    match = dimension.natural_key
    kept = {_key_name(star, dimension, match, e, world) for e in (CURRENT_KEY, INFERRED_KEY)}
    for name, columns in state.indexes.items():
        if columns == match and name not in kept:
            yield DropIndex(entry=dimension.name, index=Table(schema, name))


def description_steps(star: Star, entry: Entry, world: World) -> tuple[Step, ...]:
    """Return what stores the descriptions of the mapping where the table has others."""
    state, table = world.tables.get(entry.name, TableState()), target(star, entry)
    steps: list[Step] = []
    if entry.description and entry.description != state.description:
        steps.append(DescribeTable(entry=entry.name, table=table, description=entry.description))
    steps += [
        DescribeColumn(
            entry=entry.name, table=table, column=column.name, description=column.description
        )
        for column in definitions(star, entry, world)
        if column.description and column.description != state.descriptions.get(column.name, "")
    ]
    return tuple(steps)


def holds(wanted: str, present: str) -> bool:
    """Say whether every value of type `present` fits into type `wanted` unchanged."""
    if wanted == present:
        return True
    if wanted in INTEGERS and present in INTEGERS:
        return INTEGERS.index(wanted) > INTEGERS.index(present)
    if wanted == "text":
        return present.startswith("character varying")
    new, old = TIMED.match(wanted), TIMED.match(present)
    if new and old:
        return new.group(1, 3) == old.group(1, 3) and int(new[2] or 6) >= int(old[2] or 6)
    new, old = SIZED.match(wanted), SIZED.match(present)
    if not new or not old or new[1] != old[1]:
        return wanted == "numeric" and present in INTEGERS
    if new[2] is None:
        return True
    if old[2] is None:
        return False
    scale, old_scale = int(new[3] or 0), int(old[3] or 0)
    return scale >= old_scale and int(new[2]) - scale >= int(old[2]) - old_scale


def schema_problems(
    star: Star, entry: Entry, world: World, place: Callable[[str], Place]
) -> Iterator[Problem]:
    """Find the changes that would lose data or keys: a person has to decide and run the statement."""
    state, table = world.tables.get(entry.name, TableState()), target(star, entry)
    if not state.exists:
        return
    renamed = _renamed_key(star, entry, world)
    for column in definitions(star, entry, world):
        present = state.columns.get(column.name)
        if present is None and isinstance(entry, Dimension) and column.name == entry.key:
            old = f'"{renamed}"' if renamed else "<old>"
            yield Problem(
                place(f"{entry.path}.key"),
                f"table {table} has no column '{column.name}', and its rows cannot get new keys",
                f'rename the present one: ALTER TABLE {table} RENAME COLUMN {old} TO "{column.name}";',
            )
        elif present and not holds(column.type, present) and not holds(present, column.type):
            yield Problem(
                place(f"{entry.path}.columns.{column.name}"),
                f"column '{column.name}' of table {table} is {present}, the mapping wants {column.type}, "
                "and a change could lose data",
                f'run: ALTER TABLE {table} ALTER COLUMN "{column.name}" TYPE {column.type} '
                f'USING "{column.name}"::{column.type};',
            )
    yield from _unknown_members(star, entry, world, place)
    if isinstance(entry, Dimension) and entry.source and entry.key in state.unfilled:
        key = f'"{entry.key}"'
        yield Problem(
            place(f"{entry.path}.key"),
            f"column '{entry.key}' of table {table} gives no keys: it is no identity and has no default",
            f"run: ALTER TABLE {table} ALTER COLUMN {key} SET NOT NULL, "
            f"ALTER COLUMN {key} ADD GENERATED ALWAYS AS IDENTITY; "
            f"SELECT setval(pg_get_serial_sequence('{table}', '{entry.key}'), greatest(max({key}), 1)) "
            f"FROM {table};",
        )
    primary, partition = primary_key(entry), partition_of(entry)
    if partition and state.partitioned_by != (partition.by,):
        return  # a table that has to be made anew (see partition_problems)
    if not partition and not set(state.partitioned_by) <= set(primary):
        by = ", ".join(state.partitioned_by)
        yield Problem(
            place(entry.path),
            f"table {table} is partitioned by {by}, which its primary key has to have, and the mapping has "
            f"no partition: its key would be ({', '.join(primary)})",
            f"put partition: back; or {remade(table)}",
        )
    elif state.primary_key and state.primary_key != primary and not renamed:
        word = "key" if isinstance(entry, Dimension) else "grain"
        columns = ", ".join(f'"{name}"' for name in primary)
        # A column that leaves the key would stay NOT NULL, and the next row without it fail the run.
        free = {c.name for c in definitions(star, entry, world) if not c.not_null} - set(primary)
        freed = [name for name in state.primary_key if name in free]
        nullable = "".join(f', ALTER COLUMN "{name}" DROP NOT NULL' for name in freed)
        yield Problem(
            place(f"{entry.path}.{word}"),
            f"the primary key of table {table} is ({', '.join(state.primary_key)}), "
            f"not ({', '.join(primary)})",
            f"run: ALTER TABLE {table} DROP CONSTRAINT {quoted(state.primary_name)}, "
            f"ADD PRIMARY KEY ({columns}){nullable};",
        )


def _renamed_key(star: Star, entry: Entry, world: World) -> str:
    """Return the name that the key of a dimension has in its table, where the mapping has another one."""
    state = state_of(entry, world)
    if (
        not isinstance(entry, Dimension)
        or entry.key in state.columns
        or len(state.primary_key) != 1
    ):
        return ""
    (old,) = state.primary_key
    return "" if old in {column.name for column in definitions(star, entry, world)} else old


def _unknown_members(
    star: Star, entry: Entry, world: World, place: Callable[[str], Place]
) -> Iterator[Problem]:
    """Find a natural key that has a new column: no member that is there would be known again by it."""
    state, table = state_of(entry, world), target(star, entry)
    if not isinstance(entry, Dimension) or not entry.source or state.empty:
        return
    types = {column.name: column.type for column in definitions(star, entry, world)}
    for name in entry.natural_key:
        if name not in state.columns:
            yield Problem(
                place(f"{entry.path}.natural_key"),
                f"table {table} has no column '{name}', without which no member is known again: all "
                "would get other keys",
                f'run: ALTER TABLE {table} ADD COLUMN "{name}" {types[name]}; and fill it, or rename the '
                f"present one; or DROP TABLE {table}; the next run makes it anew",
            )


def junk_problems(
    star: Star, junk: Dimension, world: World, place: Callable[[str], Place]
) -> Iterator[Problem]:
    """Find junk that has lost a column: its members may be the same without it, and have two keys."""
    state, table = world.tables.get(junk.name, TableState()), target(star, junk)
    wanted = {column.name for column in definitions(star, junk, world)}
    lost = [name for name in state.columns if name not in wanted]
    if lost and not state.empty and _combination_name(junk) not in state.computed:
        yield Problem(
            place(f"{junk.path}.columns"),
            f"the members of table {table} may differ in '{lost[0]}' alone, which is no longer a column",
            f'run: TRUNCATE {table}; ALTER TABLE {table} DROP COLUMN "{lost[0]}"; '
            "the next run gives new keys to the members and to all that looks them up",
        )


def left_over_tables(star: Star, world: World) -> Iterator[Notice]:
    """Tell of tables whose entries the mapping has no more: they are kept, as somebody may read them."""
    for name in world.abandoned:
        yield Notice(
            name,
            "is no longer in the mapping: its table is kept and not filled; if nothing else fills it, drop "
            f"it: DROP TABLE {Table(star.connection('warehouse').schema, name)};",
        )


def left_over(star: Star, entry: Entry, world: World) -> Iterator[Notice]:
    """Tell where the table has more than the mapping wants: it is kept, as taking it could lose data."""
    state, table = world.tables.get(entry.name, TableState()), target(star, entry)
    wanted = {column.name: column.type for column in definitions(star, entry, world)}
    for name, type_ in wanted.items():
        present = state.columns.get(name)
        if present and present != type_ and holds(present, type_):
            yield Notice(
                entry.name,
                f"column '{name}' stays {present}, which is wider than the mapping's {type_}; to narrow it "
                f'run: ALTER TABLE {table} ALTER COLUMN "{name}" TYPE {type_};',
            )
    if state.partitioned_by and partition_of(entry) is None:
        yield Notice(
            entry.name,
            f"its table is partitioned by {', '.join(state.partitioned_by)}, and the mapping has no "
            "partition: none is made or dropped",
        )
    for name in state.columns:
        if name not in wanted and name not in match_columns(entry):
            yield Notice(
                entry.name,
                f"column '{name}' is no longer in the mapping: it is kept and not filled; "
                f'if nothing else fills it, drop it: ALTER TABLE {table} DROP COLUMN "{name}";',
            )
