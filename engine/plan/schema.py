"""From the tables that are there to the tables that are wanted: what is added, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from engine.errors import Place, Problem
from engine.mapping.model import Dimension, Entry, Star
from engine.plan.audit import default_steps
from engine.plan.columns import definitions
from engine.plan.partition import created_ahead, remade
from engine.plan.shape import (
    match_columns,
    partition_of,
    primary_key,
    target,
)
from engine.plan.steps import (
    AddColumn,
    ColumnDefinition,
    CreateSchema,
    CreateTable,
    DescribeColumn,
    DescribeTable,
    DropNotNull,
    Notice,
    Step,
    Table,
    WidenColumn,
)
from engine.plan.steps.base import quoted
from engine.plan.world import TableState, World, state_of

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
