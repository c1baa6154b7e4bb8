"""A rule that the rows of an entry must keep."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from engine.mapping.model.base import Scalar, Severity, Tolerance
from engine.values import dataclass

CheckKind = Literal[
    "not_null", "unique", "accepted", "range", "references", "row_count", "freshness", "sql"
]
# The kinds that say which row is wrong.
ROW_WISE: tuple[CheckKind, ...] = ("not_null", "accepted", "range", "references")


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. Which fields are filled depends on `kind`.

    not_null, unique: `columns`. accepted: `columns` (one) and `values`. range: `columns` (one),
    `low`, `high`, both included. references: `columns` (one) and `dimension`. row_count: `low`,
    `high`, or neither, which means: as many as the source. freshness: `columns` (one) and `max_age`
    in seconds. sql: `sql`, whose templates are rendered but for the text {{ this }}, which stands
    for the table and is replaced later.
    """

    kind: CheckKind
    columns: tuple[str, ...] = ()
    values: tuple[Scalar, ...] = ()
    low: Scalar = None
    high: Scalar = None
    dimension: str = ""
    max_age: int = 0
    sql: str = ""
    severity: Severity = "error"
    reject: bool = False
    tolerance: Tolerance = field(default_factory=Tolerance)
    name: str = ""
    path: str = ""
