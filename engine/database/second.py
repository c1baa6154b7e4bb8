"""Say what refused a row as a second one of its key: a sequence behind its table, or a key of others.

A sequence is behind where keys were given by hand, or a table was copied without it. To move it is left to a
person: no rollback takes it back, and a single key by hand may be far above the others.
"""

from __future__ import annotations

import psycopg2
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from engine.database.connect import execute
from engine.database.failure import StepFailedError
from engine.mapping.document import Document
from engine.mapping.model import Dimension, Star
from engine.plan.shape import match_columns, target
from engine.plan.steps import Table
from engine.plan.steps.base import quoted
from engine.sql.quote import ident, literal, table

# An identity or a serial column owns its sequence; a default may name any.
SEQUENCE = text("""
select coalesce(pg_get_serial_sequence(:table, :key), (
  select max(s.oid::regclass::text) from pg_attrdef as d
  join pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
  join pg_depend as u on u.classid = 'pg_attrdef'::regclass and u.objid = d.oid
  join pg_class as s on u.refclassid = 'pg_class'::regclass and s.oid = u.refobjid and s.relkind = 'S'
  where d.adrelid = cast(:table as regclass) and a.attname = :key
))
""")


# The columns of a unique index, and whether a constraint has it; those of an expression are left out.
COLUMNS = text("""
select array_agg(a.attname::text order by k.place) as columns,
  exists (select from pg_constraint as c where c.conindid = i.indexrelid) as constrains
from pg_index as i
cross join unnest(i.indkey) with ordinality as k(attnum, place)
left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indexrelid = cast(:index as regclass) and k.place <= i.indnkeyatts
group by i.indexrelid
""")


def second(
    error: StepFailedError, star: Star, document: Document, warehouse: Connection
) -> StepFailedError:
    """Return the error of a row that is a second one of its key with what to do, any other as it is."""
    refusal = error.__cause__
    origin = refusal.orig if isinstance(refusal, DBAPIError) else refusal
    if not isinstance(origin, psycopg2.errors.UniqueViolation):
        return error
    there = (origin.diag.schema_name, origin.diag.table_name)
    for entry in star.entries:
        name = target(star, entry)
        if (name.schema, name.name) != there:
            continue
        index = Table(name.schema, origin.diag.constraint_name or "")
        found = warehouse.execute(COLUMNS, {"index": table(index)}).one()
        what = ""
        if isinstance(entry, Dimension) and found.columns == [entry.key]:
            place, what = document.place(f"{entry.path}.key"), _behind(entry, name, warehouse)
        elif not {*match_columns(entry)} <= {*found.columns}:
            drop = f"ALTER TABLE {name} DROP CONSTRAINT {quoted(index.name)}"
            drop = drop if found.constrains else f"DROP INDEX {index}"
            place = document.place(entry.path)
            what = (
                f"{str(error).removeprefix(f'{error.step.entry}: ')}; it is no key of the mapping: "
                f"if it is one that the mapping had before, run: {drop};"
            )
        if what:
            told = StepFailedError(f"{place}: {what}", error.step)
            told.__cause__ = refusal
            return told
    return error


def _behind(dimension: Dimension, name: Table, warehouse: Connection) -> str:
    """Say how far a sequence and the keys have come, and what mends it; nothing where it is well."""
    of, key = table(name), ident(dimension.key)
    bound = {"table": of, "key": dimension.key}
    sequence = warehouse.execute(SEQUENCE, bound).scalar_one()
    if sequence is None:
        return ""
    last, largest = execute(
        warehouse,
        f"select pg_sequence_last_value({literal(sequence)}), (select max({key}) from {of})",
    ).one()
    if largest is None or (last or 0) > largest:
        return ""
    return (
        f"the sequence of {name}.{dimension.key} has come to {last or 0:,}, and rows have keys up to "
        f"{largest:,} already: run: SELECT setval({literal(sequence)}, (SELECT max({key}) FROM {of}));"
    )
