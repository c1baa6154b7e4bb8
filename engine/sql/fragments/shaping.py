"""Staged rows in the shape of their table: values computed, keys looked up."""

from __future__ import annotations

from collections.abc import Iterable

from engine.mapping.history import IS_CURRENT, VALID_FROM, VALID_TO
from engine.mapping.owned import DELETED_AT, IS_INFERRED
from engine.plan.steps import (
    CheckFreshness,
    CheckRowCount,
    CheckRows,
    CheckUnique,
    CountOutdated,
    DeleteGone,
    Join,
    Rows,
    Value,
)
from engine.sql.fragments.conditions import any_null, equal
from engine.sql.quote import (
    Fragment,
    column,
    columns,
    expression,
    ident,
    literal,
    table,
    type_name,
)


def value(of: Value) -> Fragment:
    """Compute one column of the star from a staged row."""
    computed = ident(of.name) if of.expression is None else expression(of.expression)
    if of.step:
        day = "timestamp '2000-01-01'"
        binned = f"date_bin({literal(of.step)}, {day} + {computed}::time, {day})"
        return Fragment(f"({binned})::time")
    return Fragment(f"{computed}::{type_name(of.cast)}" if of.cast else computed)


def probes(join: Join) -> tuple[tuple[str, Value], ...]:
    """Pair a name for each value that a lookup compares with that value; a time comes last."""
    compared = (*join.on, join.as_of) if join.as_of else join.on
    return tuple((f"${join.column}.{n}", v) for n, v in enumerate(compared))


def looked_for(join: Join) -> tuple[tuple[str, Value], ...]:
    """Return those of the probes that are the key of a member."""
    return probes(join)[: len(join.on)]


def looked_at(join: Join) -> tuple[tuple[str, Value], ...]:
    """Return those of the probes that are a time: one, or none."""
    return probes(join)[len(join.on) :]


def meets(join: Join, member: str, row: str) -> Fragment:
    """Say that a member of a dimension is the one that a row looks up."""
    form = "array[{}] = array[{}]" if join.nulls else "{} = {}"
    found = [
        form.format(column(v.name, member), column(n, row)) for n, v in probes(join) if v in join.on
    ]
    if join.nulls:
        found.append(f"{column(join.key, member)} > 0")
    if join.as_of:
        time = column(probes(join)[-1][0], row)
        found.append(f"{column(VALID_FROM, member)} <= {time}")
        found.append(f"{time} < {column(VALID_TO, member)}")
    elif join.history:
        found.append(_present(join, member))
    return Fragment(" and ".join(found))


def _present(join: Join, member: str) -> str:
    """Say that a version is the current one, or the last of a member that was closed and has none.

    It is told of the version alone, whatever looks for it, so that the members that are left can be hashed;
    only of versions at whose end their member was gone a later one is looked for.
    """
    current = str(column(IS_CURRENT, member))
    if not join.closes:
        return current
    match = tuple(v.name for v in join.on)
    later = f"{column(VALID_FROM, 'n')} > {column(VALID_FROM, member)}"
    return (
        f"({current} or {column(DELETED_AT, member)} is not null and not exists (select from "
        f"{table(join.table)} as n where {equal(match, 'n', member)} and {later}))"
    )


def keyless(join: Join, row: str) -> Fragment:
    """Say that a row has no natural key to look up."""
    return any_null((name for name, _ in looked_for(join)), row)


def looked_up(join: Join, member: str, row: str) -> Fragment:
    """Say the key that a lookup gives: the member's, or that of the special member in its place."""
    found = column(join.key, member)
    place = "" if join.unknown is None else literal(join.unknown)
    if join.null is not None:
        other = f" else {place}" if place else ""
        place = f"case when {keyless(join, row)} then {literal(join.null)}{other} end"
    return Fragment(f"coalesce({found}, {place})") if place else found


def rows(of: Rows, row_id: bool = False) -> Fragment:
    """Say the staged rows that are not rejected, in the target's shape, as a subquery.

    With `row_id`, the rows carry "$row", which finds them again in the stage.
    """
    origin = table(of.stage) + ("" if of.rejected else '\n  where "$reject" is null')
    staged = shaped(of, Fragment(origin), (("ctid", "$row"),) if row_id else ())
    if not of.filled:
        return staged
    names = columns(of.columns)
    made = f"select {names} from {table(of.filled)}"
    return Fragment(f"(\nselect {names} from {staged} as w\nunion all\n{made}\n)")


def shaped(of: Rows, origin: Fragment, more: Iterable[tuple[str, str]] = ()) -> Fragment:
    """Say the rows of an origin in the target's shape, with `more` expressions, each with its name.

    Expressions are computed below the joins, where no column of a dimension can be mistaken for one of
    the query.
    """
    inner = [f"{value(v)} as {ident(v.name)}" for v in of.values]
    inner += [f"{value(v)} as {ident(n)}" for join in of.joins for n, v in probes(join)]
    inner += [f"{sql} as {ident(name)}" for sql, name in more]
    below = "select\n    " + ",\n    ".join(inner or ["1"]) + f"\n  from {origin}"
    if not of.joins:
        return Fragment(f"(\n  {below}\n)")
    outer = [
        f"{looked_up(join, f'l{n}', 'v')} as {ident(join.column)}"
        for n, join in enumerate(of.joins)
    ]
    outer += [column(v.name, "v") for v in of.values]
    outer += [column(name, "v") for _, name in more]
    joined = "\n".join(
        f"left join {table(join.table)} as l{n} on {meets(join, f'l{n}', 'v')}"
        for n, join in enumerate(of.joins)
    )
    return Fragment(f"(\nselect {', '.join(outer)}\nfrom (\n  {below}\n) as v\n{joined}\n)")


def present(step: CheckRows | CheckUnique | CheckRowCount | CheckFreshness, alias: str) -> Fragment:
    """Say which rows of its table a check looks at: neither special members nor rows flagged as deleted.

    What was read of an inferred member is its key alone: no check of columns can ask for more.
    """
    flagged = [f"not {column(step.deleted, alias)}"] if step.deleted else []
    inferred = _inferred(alias) if isinstance(step, CheckRows) and step.known else []
    return Fragment("\n  and ".join([*_ordinary(step, alias), *flagged, *inferred]) or "true")


def unread(step: CountOutdated | DeleteGone, alias: str) -> Fragment:
    """Say that nothing was read for a row of the table; a special member, or an inferred one, has no row."""
    read = f"select from {rows(step.rows)} as s where {equal(step.match, alias, 's')}"
    inferred = _inferred(alias) if step.known else []
    return Fragment("\n  and ".join([f"not exists ({read})", *_ordinary(step, alias), *inferred]))


def _ordinary(
    step: CheckRows | CheckUnique | CheckRowCount | CheckFreshness | CountOutdated | DeleteGone,
    alias: str,
) -> list[str]:
    return [f"{column(step.key, alias)} > {literal(step.above)}"] if step.key else []


def _inferred(alias: str) -> list[str]:
    return [f"not {column(IS_INFERRED, alias)}"]
