"""Say that a sequence is behind the keys of its table, which a row was refused for.

It is so where keys were given by hand, or a table was copied without its sequence. To move a sequence is left
to a person: no rollback takes it back, and a single key by hand may be far above the others.
"""

from __future__ import annotations

import psycopg2
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from engine.database.connect import execute
from engine.database.failure import StepFailedError
from engine.mapping.document import Document
from engine.mapping.model import Star
from engine.plan.shape import target
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


def behind(
    error: StepFailedError, star: Star, document: Document, warehouse: Connection
) -> StepFailedError:
    """Return the error with the statement that mends it where a sequence is the reason, else as it is."""
    refusal = error.__cause__
    origin = refusal.orig if isinstance(refusal, DBAPIError) else refusal
    if not isinstance(origin, psycopg2.errors.UniqueViolation):
        return error
    for dimension in star.dimensions:
        name = target(star, dimension)
        if (origin.diag.schema_name, origin.diag.table_name) != (name.schema, name.name):
            continue
        of, key = table(name), ident(dimension.key)
        bound = {"table": of, "key": dimension.key}
        sequence = warehouse.execute(SEQUENCE, bound).scalar_one()
        if sequence is None:
            continue
        last, largest = execute(
            warehouse,
            f"select pg_sequence_last_value({literal(sequence)}), (select max({key}) from {of})",
        ).one()
        if largest is None or (last or 0) > largest:
            continue
        found = StepFailedError(
            f"{document.place(f'{dimension.path}.key')}: the sequence of {name}.{dimension.key} has come to "
            f"{last or 0:,}, and rows have keys up to {largest:,} already: run: "
            f"SELECT setval({literal(sequence)}, (SELECT max({key}) FROM {of}));",
            error.step,
        )
        found.__cause__ = refusal
        return found
    return error
