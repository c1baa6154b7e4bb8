"""Type 7: a key that all versions of a member share, and a view of the present versions beside the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.errors import Place, Problem
from engine.mapping.history import IS_CURRENT, VALID_FROM
from engine.mapping.model import Dimension, Entry, Star
from engine.mapping.rules_history import current_view
from engine.plan.columns import definitions
from engine.plan.schema import holds
from engine.plan.shape import target
from engine.plan.steps import CreateCurrent, DropCurrent, FillDurable, Step, Table
from engine.plan.world import TableState, World


def durable_steps(star: Star, dimension: Dimension, *, inferred: bool = False) -> Iterator[Step]:
    """Plan that versions which are new, or members which are `inferred`, get their durable key."""
    if dimension.durable_key:
        yield FillDurable(
            entry=dimension.name,
            table=target(star, dimension),
            key=dimension.key,
            durable=dimension.durable_key,
            match=dimension.natural_key,
            inferred=inferred,
        )


def outdated_view(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan to drop a view that stands in the way: a column of it gets another type, or another place."""
    view = _view(star, entry, world)
    if view is None or not view.state.exists:
        return
    table = world.tables.get(entry.name, TableState())
    wanted = {column.name: column.type for column in definitions(star, entry, world)}
    widened = any(
        name in wanted and wanted[name] != present and holds(wanted[name], present)
        for name, present in table.columns.items()
    )
    there = tuple(view.state.columns)
    if widened or there != view.columns[: len(there)]:
        yield DropCurrent(entry=entry.name, view=view.name)


def view_steps(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan the view of the present versions, where it is not there as it is wanted."""
    view = _view(star, entry, world)
    if view is None:
        return
    dropped = any(outdated_view(star, entry, world))
    if dropped or tuple(view.state.columns) != view.columns:
        yield CreateCurrent(
            entry=entry.name,
            view=view.name,
            table=target(star, entry),
            columns=view.columns,
            current=IS_CURRENT,
        )


def view_problems(
    star: Star, entry: Entry, world: World, place: Callable[[str], Place]
) -> Iterator[Problem]:
    """Find a table where the view of the present versions should be."""
    view = _view(star, entry, world)
    present = world.views.get(view.name.name) if view else None
    if view and present and not present.is_view:
        what = f"{view.name} is to be the view of the present versions, and is no view"
        hint = f"rename that table, or {entry.path}"
        yield Problem(place(f"{entry.path}.durable_key"), what, hint)


class _View:
    """The view of a dimension: its name, the columns that are wanted, and what is there."""

    def __init__(self, star: Star, dimension: Dimension, world: World) -> None:
        schema = target(star, dimension).schema
        self.name = Table(schema, current_view(dimension))
        keys = (dimension.durable_key, dimension.key, VALID_FROM)
        lookups = (lookup.column for lookup in dimension.lookups)
        self.columns = (*keys, *lookups, *(column.name for column in dimension.columns))
        self.state = world.tables.get(self.name.name, TableState())


def _view(star: Star, entry: Entry, world: World) -> _View | None:
    wanted = isinstance(entry, Dimension) and entry.durable_key
    return _View(star, entry, world) if wanted and isinstance(entry, Dimension) else None
