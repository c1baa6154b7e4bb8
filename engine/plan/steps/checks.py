"""Steps that prove the checks before the commit."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from engine.mapping.model import Check
from engine.plan.quality import label
from engine.plan.steps.base import Rows, Step, Table
from engine.plan.steps.rejects import Condition
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTable(Step):
    """What all checks of a table share but those of its rows: the check itself.

    With a column `deleted`, rows where it is true are passed over.
    """

    title: ClassVar[str] = "check"
    table: Table
    check: Check
    deleted: str = ""

    @property
    def called(self) -> str:
        """The title and the name of the check."""
        return f"{self.title} {label(self.check)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRows(Step):
    """Count the rows of this run, as they now stand in the target, that break each row-wise check of a table.

    All of them are seen in one look at the rows. With `rows` None the whole table is looked at, but for rows
    whose column `deleted` is true. Of a dimension those rows are looked at whose `key` is `above` those of
    special members; with `known`, not inferred members, of whom nothing was read but the key.
    """

    title: ClassVar[str] = "check"
    table: Table
    rows: Rows | None
    match: tuple[str, ...]
    conditions: tuple[Condition, ...]
    key: str = ""
    above: int = 0
    deleted: str = ""
    known: bool = False

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks, each of one column alone."""
        return tuple(replace(each.check, columns=(each.column,)) for each in self.conditions)

    @property
    def called(self) -> str:
        """The title and the names of the checks."""
        return f"{self.title} {', '.join(dict.fromkeys(map(label, self.checks)))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUnique(CheckTable):
    """Count the rows of the target that share the values of a row of this run.

    With `always` also where no row was written: else the run that wrote what was read again has looked.
    """

    rows: Rows | None
    match: tuple[str, ...]
    columns: tuple[str, ...]
    key: str = ""
    above: int = 0
    current: str = ""  # the column that says which versions alone are looked at
    always: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRowCount(CheckTable):
    """Count the rows of the target and say whether there are too few or too many."""

    low: int
    high: int
    key: str = ""
    above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFreshness(CheckTable):
    """Say whether the newest value of a column is too old by the warehouse's clock, special members aside."""

    column: str
    check: Check
    key: str = ""
    above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckQuery(CheckTable):
    """Count the rows that a free query returns; there should be none."""

    check: Check


CheckStep = CheckRows | CheckUnique | CheckRowCount | CheckFreshness | CheckQuery
