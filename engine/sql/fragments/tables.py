"""Columns as a table of the star has them: defined, stamped, kept, partitioned."""

from __future__ import annotations

from collections.abc import Iterable

from engine.mapping.model import Period
from engine.plan.periods import DIGITS
from engine.plan.steps import ColumnDefinition, Step
from engine.sql.quote import Fragment, column, expression, ident, literal, type_name


def definition(wanted: ColumnDefinition) -> Fragment:
    """Say a column as in CREATE TABLE. A surrogate key is GENERATED ALWAYS: nobody else gives keys."""
    words = [ident(wanted.name), type_name(wanted.type)]
    if wanted.identity:
        words.append(Fragment("generated always as identity"))
    if wanted.not_null:
        words.append(Fragment("not null"))
    if wanted.default is not None:
        words.append(Fragment(f"default {literal(wanted.default)}"))
    if wanted.computed:
        words.append(Fragment(f"default {expression(wanted.computed)}"))
    return Fragment(" ".join(words))


def stamps(step: Step) -> Fragment:
    """Say, after what else a row gets, who changed it and when."""
    return Fragment("".join(f", {ident(n)} = {expression(sql)}" for n, sql in step.stamps))


def kept(columns: Iterable[ColumnDefinition], alias: str) -> Fragment:
    """Say columns so that jsonb can hold them: json, which may have an escaped NUL, as its text."""
    texts = {"json": "text", "json[]": "text[]"}
    return Fragment(
        ", ".join(
            f"{column(c.name, alias)}::{texts[c.type]} as {ident(c.name)}"
            if c.type in texts
            else column(c.name, alias)
            for c in columns
        )
    )


def inside(sql: Fragment) -> Fragment:
    """Return SQL that may stand in a block; ValueError where it would end it."""
    if "$partitions$" in sql:
        raise ValueError(
            "SQL with $partitions$ in it cannot stand in the block that makes partitions"
        )
    return sql


def digits(every: Period) -> Fragment:
    """Say the form in which a period is named by its first day, as to_char takes it."""
    return literal("YYYYMMDD"[: DIGITS[every]])
