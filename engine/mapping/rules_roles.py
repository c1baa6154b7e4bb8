"""Rules about roles: their names are free, and one name is one view."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.measures import measure_rows, view_name
from engine.mapping.model import Lookup, Star
from engine.mapping.roles import lookups_with_roles
from engine.mapping.rules_history import current_view
from engine.mapping.rules_names import MAX_NAME_BYTES


def roles_are_free(star: Star, document: Document) -> Iterator[Problem]:
    """Find roles with the name of a table, of another role, or too long."""
    taken = {entry.name: f"a table, {entry.path}" for entry in star.entries}
    taken |= {
        current_view(d): f"the view of the present versions of {d.name}"
        for d in star.dimensions
        if d.durable_key
    }
    if measure_rows(star):
        taken[view_name(star)] = "the view that tells of the measures"
    for dimension in star.dimensions:
        if dimension.durable_key:
            taken[current_view(dimension)] = f"the view of the present versions of {dimension.name}"
    first: dict[str, Lookup] = {}
    for _, lookup in lookups_with_roles(star):
        name, path = lookup.role, f"{lookup.path}.role"
        before = first.setdefault(name, lookup)
        if name in taken:
            yield document.problem(path, f"'{name}' is {taken[name]}", "rename the role")
        elif (before.dimension, before.column) != (lookup.dimension, lookup.column):
            what = f"'{name}' is a view of {before.dimension} with the key {before.column} already"
            hint = "one role is one dimension and one name of its key; rename one of the two"
            yield document.problem(path, what, hint)
        if len(name.encode()) > MAX_NAME_BYTES:
            what = f"the name of this view has {len(name.encode())} bytes"
            yield document.problem(path, what, f"PostgreSQL takes {MAX_NAME_BYTES}; shorten it")


def keys_of_roles_are_free(star: Star, document: Document) -> Iterator[Problem]:
    """Find roles in whose dimension the name of the view's key is taken, and roles of durable keys."""
    dimensions = {dimension.name: dimension for dimension in star.dimensions}
    for _, lookup in lookups_with_roles(star):
        dimension = dimensions.get(lookup.dimension)
        if dimension is None:
            continue
        names = [part.name for part in dimension.columns]
        names += [part.column for part in dimension.lookups]
        names += [dimension.durable_key]
        if lookup.key == "durable":
            what = "a role together with key: durable"
            hint = f"join the view {current_view(dimension)}, or take the surrogate key"
            yield document.problem(f"{lookup.path}.role", what, hint)
            continue
        if lookup.column in names:
            what = (
                f"{dimension.name} has a column '{lookup.column}', as the key of the view is called"
            )
            yield document.problem(f"{lookup.path}.role", what, "rename one of the two")
