"""Questions about single members of a dimension that is there, and about its version."""

from __future__ import annotations

from typing import ClassVar

from engine.plan.steps.base import Step, Table
from engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVersion(Step):
    """Ask which version of a dimension the warehouse has: other members, another version (TRAPS 43)."""

    title: ClassVar[str] = "read version"
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContent(Step):
    """Ask for a text that tells all rows of a table, in whatever order, from any others."""

    title: ClassVar[str] = "read content"
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMembers(Step):
    """Read members by their natural keys, each as JSON, and in the same statement the version.

    `types` are those of the natural key, `wanted` one tuple of texts for each member.
    """

    title: ClassVar[str] = "read members"
    table: Table
    natural_key: tuple[str, ...]
    types: tuple[str, ...]
    columns: tuple[str, ...]
    wanted: tuple[tuple[str, ...], ...]
    current: str = ""  # the column that tells the present version of a member


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChanged(Step):
    """Read the members that one transaction wrote, each as JSON: `transaction` is their xmin."""

    title: ClassVar[str] = "read changed"
    table: Table
    natural_key: tuple[str, ...]
    columns: tuple[str, ...]
    transaction: str
    current: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTypes(Step):
    """Ask the types of a table's columns; no row comes when there is no such table."""

    title: ClassVar[str] = "read types"
    table: Table
