"""An aggregate: a fact added up by groups."""

from __future__ import annotations

from typing import Literal

from engine.mapping.model.check import Check
from engine.mapping.model.column import Column, Lookup
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """What the rows of a fact are grouped by: a `column` of its own, or of the dimension of a `lookup`."""

    name: str
    column: str
    lookup: str = ""
    description: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A table of a fact's rows, added up by groups; each run makes it equal to the query over the fact.

    `columns` are those of the groups, then those that are computed of each group's rows.
    """

    name: str
    fact: str
    by: tuple[Group, ...]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...] = ()
    description: str = ""
    path: str = ""

    @property
    def grain(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return tuple(group.name for group in self.by)

    @property
    def sums(self) -> tuple[Column, ...]:
        """The columns that are computed of the rows of a group."""
        return self.columns[len(self.by) :]

    @property
    def source(self) -> None:
        """It is read from no source."""

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """It looks nothing up: the fact has."""
        return ()

    @property
    def audit(self) -> tuple[str, ...]:
        """It is written as its fact is, and has no audit columns."""
        return ()

    @property
    def load(self) -> Literal["replace"]:
        """It is equal to what it is made of."""
        return "replace"
