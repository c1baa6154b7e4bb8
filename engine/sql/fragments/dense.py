"""Rows that the engine makes for a dense snapshot, as if its query had sent them."""

from __future__ import annotations

from engine.plan.shape import tick
from engine.plan.steps import EachMember, FillDense
from engine.sql.fragments.shaping import shaped, value
from engine.sql.quote import Fragment, ident, type_name, typed


def made_up(of: FillDense) -> Fragment:
    """Say a row for each period in the shape of the fact, and the times at which versions are looked up.

    It is what becomes of a row of the query that has its period and else NULL.
    """
    step = typed(f"1 {of.periods.every}", "interval")
    days = ", ".join(typed(day, "timestamp") for day in (of.periods.first, of.periods.last))
    columns = [
        f'p."$start" as {ident(column.name)}'
        if column.name == of.periods.column
        else f"{_last_moment(column.type)} as {ident(column.name)}"
        if column.name in of.times
        else f"null::{type_name(column.type)} as {ident(column.name)}"
        for column in of.query
    ]
    origin = (
        f'(\n    select p."$end", {", ".join(columns)}\n'
        f'    from (select g::date as "$start", (g + {step})::date as "$end" '
        f"from generate_series({days}, {step}) as g) as p\n  ) as p"
    )
    return shaped(
        of.made, Fragment(origin), tuple(_time(member) for member in of.members if member.as_of)
    )


def _time(member: EachMember) -> tuple[str, str]:
    """Say at which time a version of a member is looked up."""
    asked = member.as_of
    return (f"coalesce({value(asked)}, {_last_moment(asked.type)})" if asked else "", member.time)


def _last_moment(type_: str) -> Fragment:
    """Say the last time of a type that is before the end of the period."""
    return Fragment(f'(p."$end" - {typed(tick(type_), "interval")})::{type_name(type_)}')
