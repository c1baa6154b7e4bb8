"""Pieces of SQL about single members: their key as text, which are wanted, which version there is of them."""

from __future__ import annotations

from collections.abc import Iterable

from engine.plan.steps import ReadMembers, Table
from engine.sql.quote import Fragment, column, literal, table, typed

GRACE = 60  # seconds that a run has to publish after its commit, before a reader begins anew
NOTED = "engine.dimension as d where d.schema_name = {} and d.table_name = {}"


def _noted(of: Table) -> str:
    return NOTED.format(literal(of.schema), literal(of.name))


def version(of: Table) -> Fragment:
    """Say the version of a dimension, empty when no run has noted one (TRAPS 43).

    It holds the run that changed it last: a restored warehouse has an older one, and never again the same.
    And the table with its file, of which TRUNCATE, DROP and a change of type make others.
    """
    there = f"to_regclass({literal(table(of))})"
    return Fragment(
        f"coalesce((select concat_ws('.', d.run_id, {there}::oid, pg_relation_filenode({there})) "
        f"from {_noted(of)}), '')"
    )


def settled(of: Table) -> Fragment:
    """Say whether the run that changed a dimension has had its time to publish."""
    return Fragment(
        f"coalesce((select d.changed_at < clock_timestamp() - interval '{GRACE} s' "
        f"from {_noted(of)}), true)"
    )


def texts(names: Iterable[str], alias: str) -> Fragment:
    """Say columns as their text."""
    return Fragment(", ".join(f"{column(name, alias)}::text" for name in names))


def wanted(step: ReadMembers, alias: str) -> Fragment:
    """Say the wanted keys as a table: their number, then the columns k0, k1 and so on."""
    rows = (
        ", ".join([str(n), *(typed(t, type_) for t, type_ in zip(key, step.types, strict=True))])
        for n, key in enumerate(step.wanted)
    )
    names = ", ".join(["ordinal", *(f"k{n}" for n, _ in enumerate(step.natural_key))])
    return Fragment(f"(values {', '.join(f'({row})' for row in rows)}) as {alias}({names})")


def meant(step: ReadMembers, row: str, alias: str) -> Fragment:
    """Say that a row has a wanted key."""
    pairs = enumerate(step.natural_key)
    return Fragment(" and ".join(f"{column(name, row)} = {alias}.k{n}" for n, name in pairs))
