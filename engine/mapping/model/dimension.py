"""A dimension: its members, their keys, their history and what is above them."""

from __future__ import annotations

from typing import Literal

from engine.mapping.model.base import Scalar
from engine.mapping.model.check import Check
from engine.mapping.model.column import Column, Lookup
from engine.mapping.model.generated import Calendar, Clock
from engine.mapping.model.source import Source
from engine.values import dataclass

DimensionLoad = Literal["upsert", "insert", "replace"]
Since = Literal["beginning", "effective"]
Type1 = Literal["all", "current"]
Cycles = Literal["fail", "warn"]


@dataclass(frozen=True, slots=True)
class SpecialMember:
    """A member that the engine owns: its key is zero or less, columns not named are NULL."""

    name: str
    key: int
    values: tuple[tuple[str, Scalar], ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """That a dimension keeps a row for each version of a member.

    `effective` is an SQL expression over the query, since when a row is as it is; None is the time of the
    run. `first`: whether the first version is valid since ever. `type_1`: the versions that a change of a
    type 1 column is written to. `no_overlap`: whether the database itself refuses two versions at one time.
    """

    effective: str | None = None
    first: Since = "beginning"
    type_1: Type1 = "all"
    no_overlap: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """That members have a parent, and `table` each member with all that are above it.

    `parent` pairs each natural key column with the column that holds the parent's. `cycles`: what becomes of
    a run when members are their own ancestors.
    """

    parent: tuple[tuple[str, str], ...]
    table: str
    cycles: Cycles = "fail"
    path: str = ""


@dataclass(frozen=True, slots=True)
class Cache:
    """That the members of a dimension are kept in Redis too, each for `ttl` seconds."""

    ttl: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension: exactly one of `source`, `calendar`, `clock` and `junk` is given.

    `junk` names the entries whose rows have the combinations that are the members. `durable_key` is a column
    for a key that all versions of a member share. `inferred_by` is the path of the first lookup that makes
    members which are not there (missing: infer), empty without one.
    """

    name: str
    key: str
    natural_key: tuple[str, ...]
    columns: tuple[Column, ...]
    source: Source | None = None
    calendar: Calendar | None = None
    clock: Clock | None = None
    junk: tuple[str, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    load: DimensionLoad = "upsert"
    history: History | None = None
    durable_key: str = ""
    hierarchy: Hierarchy | None = None
    special_members: tuple[SpecialMember, ...] = ()
    cache: Cache | None = None
    checks: tuple[Check, ...] = ()
    audit: tuple[str, ...] = ()
    inferred_by: str = ""
    description: str = ""
    path: str = ""

    @property
    def generated(self) -> Calendar | Clock | None:
        """What the engine makes the members of by itself."""
        return self.calendar or self.clock
