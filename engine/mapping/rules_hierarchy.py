"""Rules about hierarchies: the parent is a column of the member, the table has a name of its own."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Dimension, Hierarchy, Star
from engine.mapping.roles import lookups_with_roles
from engine.mapping.rules_history import current_view
from engine.mapping.rules_names import MAX_NAME_BYTES


def hierarchies_have_parents(star: Star, document: Document) -> Iterator[Problem]:
    """Find hierarchies of generated members, and parents that are no column or no whole key."""
    for dimension in star.dimensions:
        hierarchy = dimension.hierarchy
        if hierarchy is None:
            continue
        if dimension.source is None:
            what = "a hierarchy, but only members that come from a query have parents"
            yield Problem(document.key_place(hierarchy.path), what, "drop it")
            continue
        yield from _parents(dimension, hierarchy, document)


def _parents(dimension: Dimension, hierarchy: Hierarchy, document: Document) -> Iterator[Problem]:
    path, wanted = f"{hierarchy.path}.parent", ", ".join(dimension.natural_key)
    form = "{" + ", ".join(f"{name}: ..." for name in dimension.natural_key) + "}"
    if {own for own, _ in hierarchy.parent} != set(dimension.natural_key):
        what = f"the parent is told by the natural key of {dimension.name}, which is {wanted}"
        yield document.problem(path, what, f"write parent: {form}")
        return
    columns = [column.name for column in dimension.columns]
    for own, above in hierarchy.parent:
        where = document.item_path(path, own, 0)
        if above not in columns:
            what = f"{dimension.name} has no column '{above}'"
            hint = did_you_mean(above, columns)
            add = f"the parent's key is kept with the member: add it to {dimension.path}.columns"
            yield document.problem(where, what, hint if hint.startswith("did") else add)
        elif above == own:
            yield document.problem(where, f"'{own}' is the member's own key", "name the parent's")


def hierarchy_tables_are_free(star: Star, document: Document) -> Iterator[Problem]:
    """Find hierarchies whose table is a table or a view of the star already, or has too long a name."""
    taken = {entry.name: f"a table, {entry.path}" for entry in star.entries}
    views = {current_view(d): d.name for d in star.dimensions if d.durable_key}
    taken |= {view: f"the view of the present versions of {name}" for view, name in views.items()}
    taken |= {lookup.role: f"a role, {lookup.path}" for _, lookup in lookups_with_roles(star)}
    for dimension in star.dimensions:
        hierarchy = dimension.hierarchy
        if hierarchy is None:
            continue
        name, path = hierarchy.table, f"{hierarchy.path}.table"
        if name in taken:
            yield document.problem(path, f"'{name}' is {taken[name]}", "name another table")
        if len(name.encode()) > MAX_NAME_BYTES:
            what = f"the name of this table has {len(name.encode())} bytes"
            yield document.problem(path, what, f"PostgreSQL takes {MAX_NAME_BYTES}; shorten it")
        taken.setdefault(name, f"a table, {hierarchy.path}")
