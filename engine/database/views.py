"""The views that the engine made for roles of dimensions, and whatever else has the name of one."""

from __future__ import annotations

from sqlalchemy import Connection, text

from engine.mapping.model import Star
from engine.mapping.roles import roles
from engine.mapping.rules_history import current_view
from engine.plan.world import ViewState

VIEWS = text("""
select c.relname as name, c.relkind = 'v' as is_view,
  coalesce(obj_description(c.oid, 'pg_class'), '') as description,
  array_agg(a.attname order by a.attnum)::text[] as columns,
  array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum)::text[] as types,
  (
    select case when count(distinct t.oid) = 1 then min(t.relname::text) end
    from pg_rewrite as r
    join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    join pg_class as t on d.refclassid = 'pg_class'::regclass and t.oid = d.refobjid
    where r.ev_class = c.oid and t.oid <> c.oid and t.relnamespace = c.relnamespace
  ) as of
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = :schema and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and (c.relname = any(:names) or c.relkind = 'v' and obj_description(c.oid, 'pg_class') like 'A role of %')
group by c.oid, c.relname, c.relkind
""")


def view_states(connection: Connection, star: Star) -> dict[str, ViewState]:
    """Return what is there under the names of roles and of views of present versions, by name."""
    bound = {
        "schema": star.connection("warehouse").schema,
        "names": [role.name for role in roles(star)]
        + [current_view(dimension) for dimension in star.dimensions if dimension.durable_key],
    }
    return {
        row.name: ViewState(
            tuple(zip(row.columns, row.types, strict=True)),
            row.of or "",
            row.description,
            row.is_view,
        )
        for row in connection.execute(VIEWS, bound)
    }
