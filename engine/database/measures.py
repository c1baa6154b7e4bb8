"""What the view of a star's measures says now, and whether its name is another's."""

from __future__ import annotations

from sqlalchemy import Connection, text

from engine.database.connect import execute
from engine.errors import Problem, refuse
from engine.mapping.document import Document
from engine.mapping.measures import MEASURE_COLUMNS, measure_rows
from engine.mapping.model import Star
from engine.plan.measures import measures_view
from engine.sql.quote import table

FOUND = text("""
select c.relkind = 'v' as is_view, array_agg(a.attname order by a.attnum)::text[] as columns
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = :schema and c.relname = :name
group by c.relkind
""")


def measures_told(
    connection: Connection, star: Star, document: Document
) -> tuple[tuple[str, ...], ...] | None:
    """Return the rows of the view, None without it; raises MappingError when something else has its name."""
    view = measures_view(star)
    found = connection.execute(FOUND, {"schema": view.schema, "name": view.name}).one_or_none()
    own = found is not None and found.is_view and tuple(found.columns) == MEASURE_COLUMNS
    if own:
        return tuple(tuple(row) for row in execute(connection, f"select * from {table(view)}"))
    if found is not None and measure_rows(star):
        what = f"{view} is to tell of the measures, and something else has that name"
        refuse([Problem(document.place("name"), what, "rename it, or this star")])
    return None
