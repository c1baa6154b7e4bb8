"""Name the members of a hierarchy that are wrong: orphans, and those whose ancestors go in a circle."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from engine.database.connect import execute
from engine.database.tell import counted
from engine.plan.steps import Tree
from engine.sql.quote import columns, ident, table

MOST_STEPS = 10_000  # from a member upwards, until it is given up to find the circle
SHOWN = 20  # members of a circle

UNREACHED = """
with recursive reached as (
  select member from {links} where parent is null
  union all
  select l.member from reached as r join {links} as l on l.parent = r.member
)
select l.member from {links} as l left join reached as r on r.member = l.member
where r.member is null limit 1
"""


def orphans(connection: Connection, tree: Tree, members: int) -> str:
    """Tell of members whose parent is not there."""
    one = orphan(connection, tree)
    return counted(
        members,
        f"member has a parent that is not there, and is a root: {one}",
        f"members have a parent that is not there, and are roots, such as {one}",
    )


def circle(connection: Connection, tree: Tree) -> str:
    """Return the members of one circle, each below the next, by their natural keys."""
    links = table(tree.links)
    execute(connection, f"create index on {links} (member)").close()
    at = execute(connection, UNREACHED.format(links=links)).scalar_one()
    above = text(f"select parent from {links} where member = :member")
    seen: dict[int, None] = {}
    while at not in seen and len(seen) < MOST_STEPS:
        seen[at] = None
        at = connection.execute(above, {"member": at}).scalar_one()
    path = list(seen)
    found = path[path.index(at) :] if at in seen else path
    names = _names(connection, tree, found[:SHOWN])
    return " → ".join([*names, "…" if len(found) > SHOWN else names[0]])


def orphan(connection: Connection, tree: Tree) -> str:
    """Return one member whose parent is not there."""
    first = f"select min(member) from {table(tree.links)} where orphan"
    return _names(connection, tree, [execute(connection, first).scalar_one()])[0]


def _names(connection: Connection, tree: Tree, keys: Iterable[int]) -> list[str]:
    """Return the natural keys of members, as text."""
    found = []
    for key in keys:
        named = (
            f"select {columns(tree.own)} from {table(tree.members)} where {ident(tree.key)} = :key"
        )
        row = connection.execute(text(f"{named} limit 1"), {"key": key}).one()
        found.append(", ".join(str(value) for value in row))
    return found
