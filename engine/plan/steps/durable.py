"""Steps for durable keys, which all versions of a member share, and the view of the present versions."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Step, Table
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FillDurable(Step):
    """Give versions that have none the durable key of their member: the key of its first that was loaded.

    A version that comes late and is earlier gets the one that the others have: facts hold it. With `inferred`
    it is about members that a fact has made.
    """

    title: ClassVar[str] = "fill durable key"
    table: Table
    key: str
    durable: str
    match: tuple[str, ...]
    inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCurrent(Step):
    """Make the view of the present versions: type 1 beside type 2."""

    title: ClassVar[str] = "create current view"
    view: Table
    table: Table
    columns: tuple[str, ...]
    current: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCurrent(Step):
    """Drop that view, as it would keep a column of the table from being altered."""

    title: ClassVar[str] = "drop current view"
    view: Table
