"""Steps that make a snapshot dense: rows for members of which the query has none."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import ColumnDefinition, Measure, Rows, Step, Table, Value
from engine.plan.steps.rejects import Rule
from engine.plan.steps.transport import Periods
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class EachMember:
    """The members of `table` that each have a row: real ones, with `deletes` those that are not deleted.

    `column` of the fact gets their key. With `history` one version of each: that of the time `as_of`, the
    last moment of the period where it is NULL, or the current one. Where versions have keys of their own,
    `natural_key` tells which of them are of one member.
    """

    column: str
    table: Table
    key: str
    above: int
    deletes: bool = False
    history: bool = False
    as_of: Value | None = None
    natural_key: tuple[str, ...] = ()

    @property
    def time(self) -> str:
        """What the time of the version is called in a row."""
        return f"${self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillDense(Step):
    """Make a row for each period and combination of members for which the query has sent none.

    `query` are the columns of the query, of which such a row has NULL, but for `times`, which are the last
    moment of the period. `made` is what becomes of it, beside the keys of the members. `rows` are all that
    were sent, those too that are held or rejected: of these something is known, if not what.
    """

    title: ClassVar[str] = "fill dense"
    measure: ClassVar[Measure] = "filled"
    filled: Table
    rows: Rows
    periods: Periods
    members: tuple[EachMember, ...]
    query: tuple[ColumnDefinition, ...]
    times: tuple[str, ...]
    made: Rows

    @property
    def scratch(self) -> tuple[Table, ...]:
        """The rows that nobody sent."""
        return (self.filled,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveMade(Step):
    """Count the rows that were made for which a lookup finds no member, with the first of their periods."""

    title: ClassVar[str] = "prove made"
    measure: ClassVar[Measure] = "failed"
    filled: Table
    lookup: str
    period: str
    rule: Rule
