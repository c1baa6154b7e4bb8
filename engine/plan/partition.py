"""The partitions of a fact: those that are made ahead, those that rows need, and those that are let go.

There is no default partition, whose rows would have to be moved before a partition could be made for them:
what a row needs is made before it is loaded, whatever its date. The database tells rows apart within a
partition alone, so a key that does not hold the date is proved by the engine, over all partitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import pairwise

from engine.errors import Place, Problem
from engine.mapping.model import Entry, Fact, Partition, Period, Star
from engine.plan.periods import EARLIEST, LATEST, ago, following, label, start
from engine.plan.shape import (
    column_types,
    partition_of,
    rows,
    rows_to_load,
    short_name,
    target,
)
from engine.plan.steps import (
    AddPartitions,
    CountExpired,
    CreatePartition,
    DropPartition,
    RejectExpired,
    RejectNoPeriod,
    Rule,
    Step,
    Table,
)
from engine.plan.steps.base import quoted
from engine.plan.world import TableState, World, state_of

TIMES = ("date", "timestamp without time zone", "timestamp with time zone")
Bounds = tuple[date, date]  # half-open
Locate = Callable[[str], Place]
LABELLED = 10  # characters that a name gets for its period


def is_time(type_: str) -> bool:
    """Say whether a type is a date or a timestamp, of whatever precision."""
    return re.sub(r"\(\d\)", "", type_) in TIMES


def border(partition: Partition, today: date) -> date | None:
    """Return the day from which on rows are kept, the first of a period; None keeps all."""
    if partition.keep is None:
        return None
    return start(ago(today, *partition.keep), partition.every)


def ahead(partition: Partition, today: date) -> tuple[Bounds, ...]:
    """Return the periods that are to be there before their rows: the present one and some more."""
    first = start(today, partition.every)
    starts = [following(first, partition.every, n) for n in range(partition.ahead + 2)]
    return tuple(pairwise(starts))


def partition_table(star: Star, fact: Fact, first: date, every: Period) -> Table:
    """Return the table of a partition, named by the first day of its period."""
    return Table(target(star, fact).schema, f"{prefix(fact)}{label(first, every)}")


def prefix(fact: Fact) -> str:
    """Return what the names of a fact's partitions begin with."""
    return f"{short_name(fact.name, spare=LABELLED)}_p"


def created_ahead(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan the partitions of the present period and of those to come, as far as they are missing."""
    partition = partition_of(entry)
    if partition is None or not isinstance(entry, Fact):
        return
    present = bounds(state_of(entry, world))
    for low, high in ahead(partition, world.today):
        if low < high and not any(a < high and low < b for a, b in present):
            yield CreatePartition(
                entry=entry.name,
                table=target(star, entry),
                partition=partition_table(star, entry, low, partition.every),
                low=low,
                high=high,
            )


def added(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan to make what partitions the rows of a batch need beside those that are there."""
    partition = partition_of(entry)
    if partition is None or not isinstance(entry, Fact):
        return
    state = state_of(entry, world)
    present = bounds(state) if state.exists else ahead(partition, world.today)
    yield AddPartitions(
        entry=entry.name,
        table=target(star, entry),
        rows=rows_to_load(star, entry, world).only((partition.by,)),
        by=partition.by,
        every=partition.every,
        prefix=prefix(entry),
        present=tuple(sorted(present)),
    )


def dropped(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan to drop the partitions that lie before what is kept as a whole, each counted first."""
    partition = partition_of(entry)
    until = border(partition, world.today) if partition else None
    if until is None:
        return
    schema = target(star, entry).schema
    for name, period in sorted(state_of(entry, world).partitions.items()):
        if period and period[1] <= until:
            table = Table(schema, name)
            yield CountExpired(entry=entry.name, partition=table, until=until)
            yield DropPartition(entry=entry.name, partition=table)


def rejected(
    star: Star, entry: Entry, world: World, rule_of: Callable[[str, str], Rule]
) -> Iterator[tuple[Step, Rule]]:
    """Plan to put rows aside that have no period, or that are older than what is kept."""
    partition = partition_of(entry)
    if partition is None:
        return
    own = rows(star, entry, world).only((partition.by,))
    until = border(partition, world.today)
    if until:
        rule = rule_of(f"{partition.path}.keep", f"older than {until}, from which on rows are kept")
        yield (
            RejectExpired(entry=entry.name, rows=own, by=partition.by, until=until, rule=rule),
            rule,
        )
    text = f"{partition.by} is null, or not in the years {EARLIEST.year} to {LATEST.year - 1}"
    rule = rule_of(f"{partition.path}.by", text)
    yield (
        RejectNoPeriod(
            entry=entry.name, rows=own, by=partition.by, low=EARLIEST, high=LATEST, rule=rule
        ),
        rule,
    )


def bounds(state: TableState) -> tuple[Bounds, ...]:
    """Return the ranges of the partitions that are there, as far as they are whole days."""
    return tuple(period for period in state.partitions.values() if period)


def remade(table: Table) -> str:
    """Say how a table that is there gives way to one that is made anew."""
    return (
        f"run: ALTER TABLE {table} RENAME TO {quoted(f'{table.name}_before')}; the next run makes it anew "
        "and reads everything; what the source no longer has can be copied by INSERT"
    )


def partition_problems(star: Star, entry: Entry, world: World, place: Locate) -> Iterator[Problem]:
    """Find what cannot be partitioned as the mapping wants: a column, or a table that is there already."""
    partition = partition_of(entry)
    if partition is None:
        return
    by = place(f"{partition.path}.by")
    type_ = column_types(entry, world).get(partition.by, "")
    if not is_time(type_):
        yield Problem(by, f"'{partition.by}' is {type_}", f"possible: {', '.join(TIMES)}")
    state, table = state_of(entry, world), target(star, entry)
    if state.exists and state.partitioned_by != (partition.by,):
        what = ", ".join(state.partitioned_by)
        yield Problem(
            by,
            f"table {table} is {f'partitioned by {what}' if what else 'not partitioned'}, "
            f"and no table can be partitioned by {partition.by} afterwards",
            remade(table),
        )
    elif odd := _odd(state, partition.every):
        name, (low, high) = odd
        yield Problem(
            place(f"{partition.path}.every"),
            f"partition {name} of table {table} is from {low} to {high}, not of whole {partition.every}s",
            "days can follow all other periods, months can follow years, and weeks neither; put the former "
            f"every: back, or {remade(table)}",
        )


def _odd(state: TableState, every: Period) -> tuple[str, Bounds] | None:
    """Find a partition that takes up a part of a period, so that the period could not get its own."""
    present: Sequence[tuple[str, Bounds]] = [(n, p) for n, p in state.partitions.items() if p]
    for name, period in present:
        for edge in period:
            first = start(edge, every)
            last = following(first, every)
            if first != edge and not any(
                low <= first and last <= high for _, (low, high) in present
            ):
                return name, period
    return None
