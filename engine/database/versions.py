"""The version of each dimension, noted in the transaction that changes its members (TRAPS 43)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from engine.database import tables
from engine.database.connect import execute
from engine.mapping.model import Dimension, Star
from engine.plan.drift import definition
from engine.plan.shape import target
from engine.plan.steps import Done, EnsureMember, FlagReferred, ReadVersion, Table
from engine.sql.render import render
from engine.values import dataclass

TRANSACTION = "select pg_current_xact_id()::xid::text"
CHANGING = ("inserted", "updated", "deleted", "returned", "inferred")


@dataclass(frozen=True, slots=True)
class Change:
    """What a run did to the members of a dimension.

    `before` is the version that it found, `transaction` the xmin of every row that it wrote.
    """

    entry: str
    before: str
    transaction: str
    written: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a dimension's table: which mapping loaded it last, its definition then, its content.

    Of these the last is there for calendars and clocks alone (see contents.py).
    """

    mapping: str
    definition: str
    content: str = ""


def note(
    connection: Connection,
    run_id: uuid.UUID,
    star: Star,
    contents: Mapping[str, str],
    steps: Iterable[Done],
    loaded: Mapping[str, tuple[str, str]],
) -> Iterator[Change]:
    """Note which dimensions this run has changed, and give them; the caller commits.

    `contents` are by entry that it has loaded: of calendars and clocks a text, of others none. `loaded` is
    what was known before of mappings and definitions.
    """
    done = tuple(steps)
    _leave(connection, star)
    for dimension in star.dimensions:
        if dimension.name not in contents:
            continue
        written, deleted = _counts(dimension, done)
        changed = bool(written or deleted)
        said, content = definition(star, dimension), contents[dimension.name]
        if not (changed or content) and loaded.get(dimension.name) == (star.name, said):
            continue
        table = target(star, dimension)
        found = _found(connection, table) if changed else ("", "")
        _note(connection, run_id, table, changed=changed)
        _define(connection, table, Known(star.name, said, content))
        if changed:
            yield Change(dimension.name, *found, written, deleted)


def _leave(connection: Connection, star: Star) -> None:
    """Forget that a mapping loaded tables of another schema than that of its star now."""
    rows, schema = tables.dimension.c, star.connection("warehouse").schema
    connection.execute(
        update(tables.dimension)
        .where(rows.mapping == star.name, rows.schema_name != schema)
        .values(mapping=None)
    )


def _counts(dimension: Dimension, steps: tuple[Done, ...]) -> tuple[int, int]:
    """Return how many members a run wrote, and how many it deleted."""
    own = [done for done in steps if done.entry == dimension.name]
    # A late change of a member of another dimension points members of this one to another version of it.
    others = {lookup.dimension for lookup in dimension.lookups if lookup.as_of}
    repointed = sum(d.rows for d in steps if d.entry in others and d.measure == "repointed")
    rows = {measure: sum(d.rows for d in own if d.measure == measure) for measure in CHANGING}
    unmeasured = (EnsureMember.title, FlagReferred.title)
    members = sum(done.rows for done in own if done.title in unmeasured)
    deleted = rows.pop("deleted")
    return sum(rows.values()) + members + repointed, deleted


def _found(connection: Connection, table: Table) -> tuple[str, str]:
    """Return the version that is there before it is noted anew, and the xmin of what this run writes."""
    before = execute(connection, render(ReadVersion(table=table))).one().version
    return before, str(execute(connection, TRANSACTION).scalar_one())


def _note(connection: Connection, run_id: uuid.UUID, table: Table, *, changed: bool) -> None:
    """A dimension gets a version even when nothing changed, unless it has one."""
    known = {"schema_name": table.schema, "table_name": table.name}
    new = {"run_id": run_id, "changed_at": tables.NOW}
    row = insert(tables.dimension).values(**known, **new)
    connection.execute(
        row.on_conflict_do_update(index_elements=list(known), set_=new)
        if changed
        else row.on_conflict_do_nothing()
    )


def _define(connection: Connection, table: Table, known: Known) -> None:
    """Note who defines the table now, and how, and what is in it, unless that is known."""
    rows, content = tables.dimension.c, known.content or None
    connection.execute(
        update(tables.dimension)
        .where(rows.schema_name == table.schema, rows.table_name == table.name)
        .where(
            or_(
                rows.mapping.is_distinct_from(known.mapping),
                rows.definition.is_distinct_from(known.definition),
                rows.content.is_distinct_from(content),
            )
        )
        .values(mapping=known.mapping, definition=known.definition, content=content)
    )


def loaded_by(connection: Connection, schema: str) -> dict[str, Known]:
    """Return what is known of the dimensions of a schema, by table; the ledger has to be of this version."""
    rows = tables.dimension.c
    known = connection.execute(
        select(rows.table_name, rows.mapping, rows.definition, rows.content)
        .where(rows.schema_name == schema)
        .where(rows.definition.is_not(None))
    )
    return {
        row.table_name: Known(row.mapping or "", row.definition, row.content or "") for row in known
    }
