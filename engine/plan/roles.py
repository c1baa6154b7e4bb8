"""The views of dimensions in their roles: made when they are not there, or not as the dimension is."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.mapping.model import Dimension, Entry, Star
from engine.mapping.roles import Role, lookups_with_roles, roles
from engine.plan.columns import definitions
from engine.plan.reject import Locate
from engine.plan.schema import holds
from engine.plan.shape import target
from engine.plan.steps import CreateRole, DescribeRole, DropRole, Notice, Step, Table
from engine.plan.world import ViewState, World, state_of


def told_of(star: Star, role: Role) -> str:
    """Return the comment of a role's view, by which the engine also knows its own views again."""
    text = f"{mark_of(star, role.dimension)}"
    return f"{text}: {role.description}" if role.description else text


def mark_of(star: Star, dimension: str) -> str:
    """Return how the comment of each view of a dimension begins that is a role of this star."""
    return f"A role of {dimension} in the star {star.name}"


def role_steps(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan the views of a dimension, when its table is as it should be."""
    for role in _roles(star, entry):
        view, present = _view(star, role), world.views.get(role.name, ViewState())
        wanted = _columns(star, entry, role, world)
        if present.columns != wanted or present.table != entry.name:
            yield CreateRole(
                entry=entry.name,
                view=view,
                table=target(star, entry),
                key=_key(entry),
                column=role.column,
                others=tuple(name for name, _ in wanted[1:]),
            )
        if present.description != told_of(star, role):
            yield DescribeRole(entry=entry.name, view=view, description=told_of(star, role))


def dropped_roles(star: Star, entry: Entry, world: World) -> Iterator[Step]:
    """Plan what makes room for a view that cannot become what it should be: it is made anew.

    A view can only get more columns at its end, and no column of its table can change its type.
    """
    for role in _roles(star, entry):
        present, wanted = world.views.get(role.name), _columns(star, entry, role, world)
        if present is not None and (
            wanted[: len(present.columns)] != present.columns or present.table != entry.name
        ):
            yield DropRole(entry=entry.name, view=_view(star, role))


def role_problems(star: Star, world: World, place: Locate) -> Iterator[Problem]:
    """Find tables where a view should be."""
    for _, lookup in lookups_with_roles(star):
        present = world.views.get(lookup.role)
        if present is not None and not present.is_view:
            what = f"{Table(_schema(star), lookup.role)} is there, and is no view"
            yield Problem(place(f"{lookup.path}.role"), what, "rename the role, or that table")


def left_over_roles(star: Star, world: World) -> Iterator[Notice]:
    """Tell of views that were roles once: they are kept, as somebody may read them."""
    wanted = {role.name for role in roles(star)}
    for name, view in world.views.items():
        mark = mark_of(star, view.table)
        if name not in wanted and view.is_view and view.description.partition(":")[0] == mark:
            yield Notice(
                name,
                "is no longer a role in the mapping: the view is kept; to drop it run: "
                f'DROP VIEW "{_schema(star)}"."{name}";',
            )


def _roles(star: Star, entry: Entry) -> Iterator[Role]:
    if isinstance(entry, Dimension):
        yield from (role for role in roles(star) if role.dimension == entry.name)


def _columns(star: Star, entry: Entry, role: Role, world: World) -> tuple[tuple[str, str], ...]:
    """Return the columns of a view with the types that they will have when the table is as it should be."""
    present = state_of(entry, world).columns
    columns = []
    for column in definitions(star, entry, world):
        if column.computed:  # who wrote a row is told by its table
            continue
        there = present.get(column.name, column.type)
        type_ = column.type if holds(column.type, there) else there
        columns.append((role.column if column.name == _key(entry) else column.name, type_))
    return tuple(columns)


def _key(entry: Entry) -> str:
    return entry.key if isinstance(entry, Dimension) else ""


def _view(star: Star, role: Role) -> Table:
    return Table(_schema(star), role.name)


def _schema(star: Star) -> str:
    return star.connection("warehouse").schema
