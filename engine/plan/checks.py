"""The steps that prove an entry's checks, on the rows of this run as they stand in the target."""

from __future__ import annotations

from engine.mapping.history import IS_CURRENT
from engine.mapping.model import ROW_WISE, Aggregate, Check, Dimension, Entry, Star
from engine.mapping.owned import deleted_flag
from engine.plan.columns import definitions
from engine.plan.drift import loaded_by_another
from engine.plan.shape import (
    bare,
    column_types,
    keys_above,
    match_columns,
    member_key,
    primary_key,
    rows_to_load,
    target,
)
from engine.plan.steps import (
    CheckFreshness,
    CheckQuery,
    CheckRowCount,
    CheckRows,
    CheckStep,
    CheckUnique,
    Condition,
    Rows,
)
from engine.plan.world import Reading, World, infers

MOST_ROWS = 2**63 - 1


def counts_with_source(check: Check) -> bool:
    """Say whether a check compares what was loaded with what the source says it sent."""
    return check.kind == "row_count" and check.low is None and check.high is None


def proved_by_key(entry: Entry, check: Check) -> bool:
    """Say whether a check forbids what a key of the table refuses in any case (plan.keys.key_steps)."""
    if check.kind != "unique" or (isinstance(entry, Dimension) and entry.junk):
        return False
    key = entry.natural_key if isinstance(entry, Dimension) else primary_key(entry)
    return bool(key) and set(key).issubset(check.columns)


def condition(star: Star, entry: Entry, check: Check, column: str, world: World) -> Condition:
    """Return what a row-wise check forbids for one of its columns."""
    keys = {c.name: c.type for c in definitions(star, entry, world)}
    type_ = bare(column_types(entry, world).get(column) or keys[column])
    if check.kind != "references":
        return Condition(check, column, type_)
    dimension = star.dimension(check.dimension)
    durable = any(x.column == column and x.key == "durable" for x in entry.lookups)
    key = dimension.durable_key if durable else dimension.key
    return Condition(check, column, type_, target(star, dimension), key)


def check_steps(star: Star, entry: Entry, world: World, fresh: bool) -> tuple[CheckStep, ...]:
    """Return a step for each check of an entry; those that reject rows have acted on the stage already.

    With `fresh` all rows of the table are of this run, so the table alone is looked at.
    """
    match = match_columns(entry)
    whole = isinstance(entry, Dimension) and (entry.history is not None or bool(entry.junk))
    whole = whole or isinstance(entry, Aggregate)
    # Of a member with versions all of them may have changed: they are looked at in the table. Junk is small.
    batch = None if fresh or whole else rows_to_load(star, entry, world).only(match)
    checks = [
        check
        for check in entry.checks
        if not (check.reject or counts_with_source(check) or proved_by_key(entry, check))
    ]
    row_wise = [check for check in checks if check.kind in ROW_WISE]
    steps = [_step(star, entry, check, batch, world) for check in checks if check not in row_wise]
    if not row_wise:
        return tuple(steps)
    of_rows = CheckRows(
        entry=entry.name,
        table=target(star, entry),
        rows=batch,
        match=match,
        conditions=tuple(
            condition(star, entry, check, name, world)
            for check in row_wise
            for name in check.columns
        ),
        key=member_key(entry),
        above=keys_above(entry),
        deleted=deleted_flag(entry) if whole else "",
        known=infers(entry, world),
    )
    return (of_rows, *steps)


def _step(star: Star, entry: Entry, check: Check, batch: Rows | None, world: World) -> CheckStep:
    table, key, name = target(star, entry), member_key(entry), entry.name
    above, deleted = keys_above(entry), deleted_flag(entry)
    if check.kind == "unique":
        low = world.readings.get(entry.name, Reading()).low
        return CheckUnique(
            entry=name,
            table=table,
            # A row that has returned need not be among those that were read.
            rows=batch if low is None or not deleted else None,
            match=match_columns(entry),
            columns=check.columns,
            check=check,
            key=key,
            above=above,
            current=IS_CURRENT if isinstance(entry, Dimension) and entry.history else "",
            deleted=deleted,
            always=batch is None or low is None or loaded_by_another(star, entry.name, world),
        )
    if check.kind == "row_count":
        least = 0 if check.low is None else int(check.low)
        most = MOST_ROWS if check.high is None else int(check.high)
        return CheckRowCount(
            entry=name,
            table=table,
            check=check,
            low=least,
            high=most,
            key=key,
            above=above,
            deleted=deleted,
        )
    if check.kind == "freshness":
        return CheckFreshness(
            entry=name,
            table=table,
            column=check.columns[0],
            check=check,
            key=key,
            above=above,
            deleted=deleted,
        )
    return CheckQuery(entry=name, table=table, check=check)
