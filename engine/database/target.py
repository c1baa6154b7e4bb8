"""What the warehouse looks like now: the star's tables, their columns and keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date

from sqlalchemy import Connection, text

from engine.database.connect import execute
from engine.errors import Problem
from engine.mapping.load import Loaded
from engine.mapping.model import Dimension, Entry, Fact, Star
from engine.mapping.rules_history import current_view
from engine.plan.held import LEDGER, held_table
from engine.plan.shape import keys_above, member_key, target
from engine.plan.steps import Table
from engine.plan.world import TableState
from engine.sql.quote import column, table

COLUMNS = text("""
select c.relname as "table", a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
  a.attnotnull as not_null, a.attidentity = '' and not a.atthasdef as unfilled,
  coalesce(col_description(c.oid, a.attnum), '') as description,
  coalesce(obj_description(c.oid, 'pg_class'), '') as about,
  pg_get_expr(d.adbin, d.adrelid) as "default",
  a.attidentity <> '' or coalesce(pg_get_expr(d.adbin, d.adrelid) like 'nextval(%', false) as counts,
  c.relkind = 'r' and not c.relhastriggers and not c.relhasrules and not exists (
    select from pg_constraint as k where k.conrelid = c.oid and k.condeferrable
  ) as plain
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
where n.nspname = :schema and c.relname = any(:names) and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by c.relname, a.attnum
""")

INDEXES = text("""
select c.relname as "table", i.indisprimary as "primary", i.indpred is not null as partial, x.relname as name,
  array_agg(a.attname order by k.place)::text[] as columns
from pg_index as i
join pg_class as c on c.oid = i.indrelid
join pg_class as x on x.oid = i.indexrelid
join pg_namespace as n on n.oid = c.relnamespace
cross join unnest(i.indkey) with ordinality as k(attnum, place)
join pg_attribute as a on a.attrelid = c.oid and a.attnum = k.attnum
where n.nspname = :schema and c.relname = any(:names) and i.indisunique and i.indisvalid
  and i.indexprs is null and k.place <= i.indnkeyatts
group by c.relname, x.relname, i.indexrelid, i.indisprimary, i.indpred is not null
""")

COMPUTED = text("""
select c.relname as "table", x.relname as name
from pg_index as i
join pg_class as c on c.oid = i.indrelid
join pg_class as x on x.oid = i.indexrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = :schema and c.relname = any(:names) and i.indisunique and i.indisvalid
  and i.indexprs is not null
""")

CHECKS = text("""
select c.relname as "table", k.conname as name
from pg_constraint as k
join pg_class as c on c.oid = k.conrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = :schema and c.relname = any(:names) and k.contype in ('c', 'x')
""")

PARTITIONED = text("""
select c.relname as "table", array_agg(a.attname order by k.place)::text[] as columns
from pg_partitioned_table as p
join pg_class as c on c.oid = p.partrelid
join pg_namespace as n on n.oid = c.relnamespace
cross join unnest(p.partattrs) with ordinality as k(attnum, place)
join pg_attribute as a on a.attrelid = c.oid and a.attnum = k.attnum
where n.nspname = :schema and c.relname = any(:names) and p.partstrat = 'r'
group by c.relname
""")

PARTITIONS = text("""
select c.relname as "table", x.relname as name, pg_get_expr(x.relpartbound, x.oid) as bounds
from pg_inherits as i
join pg_class as x on x.oid = i.inhrelid and x.relispartition
join pg_class as c on c.oid = i.inhparent
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = :schema and c.relname = any(:names)
order by x.relname
""")
# What is there under the name of a table and is none. A table also gives its name to a type.
OTHERS = text("""
select c.relname as name, case c.relkind
    when 'v' then 'a view' when 'm' then 'a materialized view' when 'f' then 'a foreign table'
    when 'S' then 'a sequence' when 'c' then 'a type' else 'an index'
  end as kind
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = :schema and c.relname = any(:names) and c.relkind not in ('r', 'p')
union all
select t.typname, 'a type' from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
where n.nspname = :schema and t.typname = any(:names) and t.typrelid = 0 and t.typcategory <> 'A'
""")
# A name that is too long is cut after 52 bytes, which are 13 letters at least.
TAKEN = text("""
select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = :schema
  and exists (
    select from unnest(cast(:names as text[])) as d(name)
    where starts_with(c.relname, left(d.name, 13))
  )
""")
DAY = r"\('(\d{4}-\d\d-\d\d)(?: 00:00:00(?:\+00)?)?'\)"
DAYS = re.compile(f"FOR VALUES FROM {DAY} TO {DAY}")


def held_states(connection: Connection, star: Star) -> dict[str, dict[str, str]]:
    """Return the types of the columns of rows that wait, by fact, where there is a table of them."""
    facts = {held_table(star, fact): fact.name for fact in star.facts}
    found: dict[str, dict[str, str]] = {}
    bound = {"schema": LEDGER, "names": [table.name for table in facts]}
    for row in connection.execute(COLUMNS, bound):
        found.setdefault(facts[Table(LEDGER, row.table)], {})[row.name] = row.type
    return found


def table_states(connection: Connection, star: Star) -> dict[str, TableState]:
    """Return the present state of every table of the star that exists, by entry name."""
    names = [entry.name for entry in star.entries]
    names += [current_view(dimension) for dimension in star.dimensions if dimension.durable_key]
    names += [d.hierarchy.table for d in star.dimensions if d.hierarchy]
    bound = {"schema": star.connection("warehouse").schema, "names": names}
    columns = connection.execute(COLUMNS, bound).all()
    indexes = connection.execute(INDEXES, bound).all()
    computed = connection.execute(COMPUTED, bound).all()
    checks = connection.execute(CHECKS, bound).all()
    partitioned = connection.execute(PARTITIONED, bound).all()
    partitions = connection.execute(PARTITIONS, bound).all() if partitioned else ()
    empty = _empty(connection, star, {(row.table, row.name) for row in columns})
    return {
        name: TableState(
            columns={row.name: row.type for row in columns if row.table == name},
            descriptions={row.name: row.description for row in columns if row.table == name},
            description=next(row.about for row in columns if row.table == name),
            primary_key=next(
                (tuple(row.columns) for row in indexes if row.table == name and row.primary), ()
            ),
            primary_name=next(
                (row.name for row in indexes if row.table == name and row.primary), ""
            ),
            unique=tuple(
                tuple(row.columns) for row in indexes if row.table == name and not row.partial
            ),
            indexes={row.name: tuple(row.columns) for row in indexes if row.table == name},
            computed=frozenset(row.name for row in computed if row.table == name),
            checks=frozenset(row.name for row in checks if row.table == name),
            not_null=frozenset(row.name for row in columns if row.table == name and row.not_null),
            defaults={
                row.name: row.default
                for row in columns
                if row.table == name and row.default is not None
            },
            unfilled=frozenset(row.name for row in columns if row.table == name and row.unfilled),
            partitioned_by=next((tuple(p.columns) for p in partitioned if p.table == name), ()),
            plain=all(row.plain and not row.counts for row in columns if row.table == name),
            partitions={p.name: _days(p.bounds) for p in partitions if p.table == name},
            empty=name in empty,
        )
        for name in {row.table for row in columns}
    }


def _days(bounds: str) -> tuple[date, date] | None:
    """Return the range of a partition, None for one that is not of whole days."""
    found = DAYS.fullmatch(bounds)
    return (date.fromisoformat(found[1]), date.fromisoformat(found[2])) if found else None


def occupied(
    connection: Connection, loaded: Loaded, entries: Collection[Entry]
) -> Iterator[Problem]:
    """Find what stands where the tables of some entries should be and is no table."""
    schema = loaded.star.connection("warehouse").schema
    paths = {entry.name: entry.path for entry in entries}
    trees = [e.hierarchy for e in entries if isinstance(e, Dimension) and e.hierarchy]
    paths |= {tree.table: f"{tree.path}.table" for tree in trees}
    for row in connection.execute(OTHERS, {"schema": schema, "names": list(paths)}):
        what = f"{Table(schema, row.name)} is {row.kind}, not a table"
        word = "entry" if paths[row.name].count(".") == 1 else "table of the hierarchy"
        hint = f"drop it or rename it, or give the {word} another name"
        yield loaded.document.problem(paths[row.name], what, hint)


def taken_names(connection: Connection, star: Star) -> frozenset[str]:
    """Return the names that an index of a dimension may find taken, its own among them."""
    bound = {
        "schema": star.connection("warehouse").schema,
        "names": [dimension.name for dimension in star.dimensions],
    }
    return frozenset(connection.execute(TAKEN, bound).scalars())


def has_extension(connection: Connection, name: str) -> bool:
    """Say whether an extension is installed."""
    found = text("select exists (select from pg_extension where extname = :name)")
    return bool(connection.execute(found, {"name": name}).scalar_one())


def _empty(connection: Connection, star: Star, columns: Collection[tuple[str, str]]) -> set[str]:
    """Return the tables that hold no row, special members aside; `columns` by table and name."""
    queries: dict[str, str] = {}
    present = {name for name, _ in columns}
    for entry in star.entries:
        if entry.name in present:
            key = member_key(entry)
            # Without its key column the table is refused later, with a sentence about it.
            where = (
                f" where {column(key)} > {keys_above(entry)}"
                if (entry.name, key) in columns
                else ""
            )
            queries[entry.name] = f"select from {table(target(star, entry))}{where}"
    schema = star.connection("warehouse").schema
    trees = {d.hierarchy.table for d in star.dimensions if d.hierarchy} & present
    queries |= {name: f"select from {table(Table(schema, name))}" for name in trees}
    if not queries:
        return set()
    asked = (f"select {n} as n, not exists ({q}) as empty" for n, q in enumerate(queries.values()))
    rows = execute(connection, " union all ".join(asked)).all()
    return {list(queries)[row.n] for row in rows if row.empty}


def periods_loaded(
    connection: Connection, star: Star, fact: Fact, state: TableState
) -> tuple[date, date] | None:
    """Return the first and the last period in the table of a snapshot, None when there is none."""
    if fact.snapshot is None or state.columns.get(fact.snapshot.column) != "date":
        return None
    name = column(fact.snapshot.column)
    sql = f"select min({name}) as first, max({name}) as last from {table(target(star, fact))}"
    row = execute(connection, sql).one()
    return None if row.first is None else (row.first, row.last)
