"""The columns of a table of the star: those with a value, and those with the key of a dimension."""

from __future__ import annotations

from typing import Literal

from engine.values import dataclass

Versioned = Literal[0, 1, 2]
Additivity = Literal["additive", "semi-additive", "non-additive"]
Missing = Literal["unknown", "hold", "infer", "reject", "fail"]
LookedUp = Literal["surrogate", "durable"]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a column of a fact may be added up; a semi-additive one not over the columns `apart`."""

    kind: Additivity
    apart: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the star: a copy of the query's column, or an SQL expression over the query.

    `scd` says what becomes of a member's value when it changes: 0 keeps the first, 1 the last, 2 makes a
    version of the member. With `previous`, it is the value that another column had before (type 3).
    """

    name: str
    expr: str | None = None
    type: str | None = None
    description: str = ""
    scd: Versioned = 1
    previous: str = ""
    measure: Measure | None = None
    unit: str = ""
    format: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A key column of a fact or another dimension, filled from `dimension`: its surrogate or durable key.

    `on` pairs each natural key column of the dimension with an SQL expression over the query; it is empty for
    a junk dimension that is made of these rows. `null` names the special member for rows in which one of them
    is NULL; empty, their member is missing. `as_of` is an expression too: the time at which the version of
    the member that is looked up was valid. `scd` is as for a column, for lookups of a dimension.
    """

    column: str
    dimension: str
    on: tuple[tuple[str, str], ...]
    missing: Missing = "unknown"
    as_of: str | None = None
    scd: Versioned = 1
    key: LookedUp = "surrogate"
    description: str = ""
    role: str = ""
    null: str = ""
    path: str = ""
