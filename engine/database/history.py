"""Past runs, as the ledger tells them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.engine import Row

from engine.database.ledger import version_of
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Past:
    """A run of the past, with the sums of its counts. A run whose lock is gone has died."""

    run_id: str
    mapping: str
    status: str
    started_at: datetime
    seconds: float | None
    counts: dict[str, int]
    warnings: int
    failures: int
    error: str | None


HISTORY = """
select r.run_id::text, r.mapping, r.started_at, r.seconds, r.error,
  case when r.status = 'running' and l.run_id is null then 'died' else r.status end as status,
  coalesce((select jsonb_object_agg(s.measure, s.rows) from (
    select measure, sum(rows) as rows from engine.step as s
    where s.run_id = r.run_id and s.measure <> '' group by measure) as s), '{}') as counts,
  (select count(*) from engine.check_result as c where c.run_id = r.run_id and c.status = 'warn') as warnings,
  (select count(*) from engine.check_result as c where c.run_id = r.run_id and c.status = 'fail') as failures
from engine.run as r
left join engine.lock as l on l.run_id = r.run_id
where cast(:mapping as text) is null or r.mapping = :mapping
order by r.started_at desc, r.run_id
limit :most
"""


def mappings(connection: Connection) -> tuple[str, ...]:
    """Return the name of every mapping that was ever run here."""
    if version_of(connection) == 0:
        return ()
    return tuple(
        connection.execute(text("select distinct mapping from engine.run order by 1")).scalars()
    )


@dataclass(frozen=True, slots=True)
class Latest:
    """When the newest run of a mapping that was published began, if there is one; whether any ran at all."""

    any: bool
    done: datetime | None


def latest(connection: Connection, mapping: str) -> Latest:
    """Return what the ledger knows of the newest runs of a mapping."""
    if version_of(connection) == 0:
        return Latest(any=False, done=None)
    row = connection.execute(
        text(
            "select count(*) > 0 as any, max(started_at) filter (where status = 'done') as done "
            "from engine.run where mapping = :mapping"
        ),
        {"mapping": mapping},
    ).one()
    return Latest(row.any, row.done)


def history(connection: Connection, mapping: str | None, most: int) -> tuple[Past, ...]:
    """Return the newest runs, newest first; none when the warehouse has no ledger yet."""
    if version_of(connection) == 0:
        return ()
    rows: Iterable[Row[tuple[object, ...]]] = connection.execute(
        text(HISTORY), {"mapping": mapping, "most": most}
    )
    return tuple(
        Past(
            row.run_id,
            row.mapping,
            row.status,
            row.started_at,
            row.seconds,
            {name: int(count) for name, count in row.counts.items()},
            row.warnings,
            row.failures,
            row.error,
        )
        for row in rows
    )
