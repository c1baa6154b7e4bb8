"""Conditions on the columns of a row, or of two: same, different, NULL, broken."""

from __future__ import annotations

from collections.abc import Iterable

from engine.mapping.model import Scalar
from engine.plan.steps import ColumnDefinition, Condition, Within
from engine.sql.quote import Fragment, column, ident, literal, table, typed

# Types without an equality operator, or whose equality is not sameness (boxes compare by area), TRAPS 15.
BY_TEXT = (
    # json too: as jsonb, equal documents would be equal however they are spelled, but \u0000 fails
    *("json", "xml", "jsonpath", "refcursor", "pg_snapshot", "txid_snapshot"),
    *("point", "line", "lseg", "box", "path", "polygon", "circle"),
)
FRACTIONS = ("numeric", "real", "double precision")  # the types that have NaN
COMPARED_AS = {
    **{name + array: "text" for name in BY_TEXT for array in ("", "[]")},
}


def equals(
    names: Iterable[str], values: Iterable[Scalar], types: dict[str, str], of: str
) -> Fragment:
    """Say that columns have these values."""
    pairs = zip(names, values, strict=True)
    return Fragment(" and ".join(f"{column(n, of)} = {typed(v, types[n])}" for n, v in pairs))


def equal(names: Iterable[str], left: str, right: str) -> Fragment:
    """Say that two rows have the same key."""
    return Fragment(" and ".join(f"{column(n, left)} = {column(n, right)}" for n in names))


def parent_of(pairs: Iterable[tuple[str, str]], parent: str, child: str) -> Fragment:
    """Say that a row has the key that another one has as its parent's."""
    listed = (f"{column(own, parent)} = {column(above, child)}" for own, above in pairs)
    return Fragment(" and ".join(listed))


def same(names: Iterable[str], left: str, right: str) -> Fragment:
    """Say that two rows have the same values, NULL as one of them, so that it can be hashed (steps.junk)."""
    pairs = ((column(name, left), column(name, right)) for name in names)
    return Fragment(" and ".join(f"array[{one}] = array[{other}]" for one, other in pairs))


def distinct(names: Iterable[str], types: dict[str, str], left: str, right: str) -> Fragment:
    """Say that two rows differ in a column; NULL is a value like another (TRAPS 20, 21)."""
    return Fragment(
        "("
        + " or ".join(
            f"{_comparable(name, types, left)} is distinct from {_comparable(name, types, right)}"
            for name in names
        )
        + ")"
    )


def unlike(of: ColumnDefinition, value: Scalar, alias: str) -> Fragment:
    """Say that a column has another value than this one."""
    compared_as = COMPARED_AS.get(of.type)
    wanted = f"{typed(value, of.type)}::{compared_as}" if compared_as else typed(value, of.type)
    return Fragment(
        f"({_comparable(of.name, {of.name: of.type}, alias)} is distinct from {wanted})"
    )


def differs(names: Iterable[str], types: dict[str, str], line: str) -> Fragment:
    """Say that a row differs in a column from the one before it in a window."""
    compared = [_comparable(name, types, "") for name in names]
    changes = (f"{now} is distinct from lag({now}) over {ident(line)}" for now in compared)
    return Fragment("(" + " or ".join(changes) + ")")


def changed(name: str, before: str, types: dict[str, str], alias: str, other: str = "") -> Fragment:
    """Say that a column has another value than the one before, which is in a column of its own."""
    compared_as = COMPARED_AS.get(types.get(name, ""))
    cast = f"::{compared_as}" if compared_as else ""
    return Fragment(
        f"{_comparable(name, types, alias)} is distinct from {column(before, other)}{cast}"
    )


def _comparable(name: str, types: dict[str, str], alias: str) -> Fragment:
    compared_as = COMPARED_AS.get(types.get(name, ""))
    return Fragment(f"{column(name, alias)}::{compared_as}" if compared_as else column(name, alias))


def any_null(names: Iterable[str], alias: str) -> Fragment:
    """Say that at least one column is NULL."""
    return Fragment("(" + " or ".join(f"{column(name, alias)} is null" for name in names) + ")")


def no_null(names: Iterable[str], alias: str) -> Fragment:
    """Say that no column is NULL."""
    return Fragment(" and ".join(f"{column(name, alias)} is not null" for name in names))


def lacking(names: Iterable[str]) -> Fragment:
    """Say that at least one of the columns of a row is NULL."""
    return Fragment(" or ".join(f"{ident(name)} is null" for name in names))


def within(of: Within, alias: str) -> Fragment:
    """Say that a row lies in a range, which ends before its second border."""
    name = column(of.column, alias)
    return Fragment(f"{name} >= {literal(of.low)} and {name} < {literal(of.high)}")


def broken(condition: Condition, alias: str) -> Fragment:
    """Say that a row breaks a check. A NULL breaks not_null alone: use two checks to forbid both."""
    check, name = condition.check, column(condition.column, alias)
    if check.kind == "not_null":
        return Fragment(f"{name} is null")
    if check.kind == "accepted":
        accepted = ", ".join(typed(v, condition.type) for v in check.values)
        return Fragment(f"{name} not in ({accepted})")
    if check.kind == "references":
        if condition.members is None:
            raise ValueError("a references condition names its members")
        return Fragment(
            f"({name} is not null and not exists (select from {table(condition.members)} as m "
            f"where {column(condition.key, 'm')} = {name}))"
        )
    low = [f"{name} < {typed(check.low, condition.type)}"] if check.low is not None else []
    high = [f"{name} > {typed(check.high, condition.type)}"] if check.high is not None else []
    if not high and condition.type in FRACTIONS:  # NaN is above every number (TRAPS 16)
        high = [f"{name} = {typed('NaN', condition.type)}"]
    return Fragment("(" + " or ".join(low + high) + ")")
