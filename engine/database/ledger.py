"""The ledger: what ran, what it did, how far it got. It lives in the warehouse, in the schema `engine`."""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row

from engine.database import tables
from engine.database.connect import execute
from engine.errors import LockedError, RunError
from engine.mapping.model import Star
from engine.plan.progress import GONE, REMADE, Mark, Progress
from engine.plan.quality import Verdict
from engine.plan.shape import STAGE_SCHEMA
from engine.plan.steps import Done

logger = logging.getLogger(__name__)

MIGRATION_LOCK = "select pg_advisory_xact_lock(hashtextextended('engine:migrate', 0))"
LOCK_KEY = "hashtextextended('engine:' || :mapping, 0)"
# A holder of whom the ledger does not know has not written yet that he begins, or has ended since the lock
# was asked for: then it is free. So it is asked for again, for so many seconds, every so many.
UNKNOWN = 1
LOOK_EVERY = 0.05
# Not by to_regclass: within a transaction it may answer from a cache, and miss what another made meanwhile.
PRESENT = f"""
select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = '{tables.SCHEMA}'
"""

ABANDONED = text(f"""
select c.relname
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = :schema and c.relname = any(:names) and c.relkind in ('r', 'p')
  and not exists (
    select from {tables.SCHEMA}.watermark as w where w.entry = c.relname and w.mapping <> :mapping
      and w.moment > (
        select max(o.moment) from {tables.SCHEMA}.watermark as o
        where o.entry = c.relname and o.mapping = :mapping
      )
  )
order by 1
""")


def schema_exists(connection: Connection, schema: str) -> bool:
    """Say whether the warehouse has a schema."""
    found = text("select exists (select from pg_namespace where nspname = :schema)")
    return bool(connection.execute(found, {"schema": schema}).scalar_one())


def version_of(connection: Connection) -> int:
    """Return the ledger's version, 0 when there is none yet; RunError when a part of it is gone."""
    present = set(execute(connection, PRESENT).scalars())
    own = {table.name for table in tables.metadata.tables.values()}
    if "version" not in present and not own & present:
        return 0
    found: list[int] = []
    if "version" in present:
        asked = f"select number from {tables.SCHEMA}.version"
        found = [int(number) for number in execute(connection, asked).scalars()]
    gone = sorted(own - present) if found == [len(tables.MIGRATIONS)] else []
    if gone or len(found) != 1:
        names = ", ".join(f"{tables.SCHEMA}.{name}" for name in gone or ["version"])
        is_ = f"has {len(found)} rows" if "version" in present and not gone else "is gone"
        raise RunError(
            f"the warehouse's ledger is incomplete: {names} {is_}; restore it from a backup, or run "
            f"DROP SCHEMA {tables.SCHEMA} CASCADE, which forgets past runs, quarantined rows and how far "
            "was read: the next run then makes it anew and reads everything; if it is the schema of "
            "something else, give that another name"
        )
    return found[0]


def migrate(connection: Connection) -> None:
    """Make the ledger, or bring it to this engine's version; one at a time. Commits.

    Raises RunError when the ledger is of a newer engine.
    """
    newest = len(tables.MIGRATIONS)
    present = version_of(connection)
    if present < newest:
        execute(connection, MIGRATION_LOCK)
        present = version_of(connection)  # another run may have been quicker
        if present == 0:
            for schema in (tables.SCHEMA, STAGE_SCHEMA):
                if not schema_exists(
                    connection, schema
                ):  # it may be there for a role that cannot create
                    execute(connection, f"create schema {schema}")
            tables.metadata.create_all(connection)
            execute(connection, f"create table {tables.SCHEMA}.version (number integer not null)")
            execute(connection, f"insert into {tables.SCHEMA}.version values (0)")
        for statements in tables.MIGRATIONS[present:]:
            for statement in statements:
                execute(connection, statement)
        execute(connection, f"update {tables.SCHEMA}.version set number = {newest}")
    connection.commit()
    if present > newest:
        raise RunError(
            f"the warehouse's ledger is of version {present}, this engine knows {newest}: "
            "install the newer engine"
        )


def lock(connection: Connection, mapping: str, run_id: uuid.UUID) -> None:
    """Take the mapping's lock until the transaction ends; LockedError says who holds it.

    When that is this very run, an attempt whose connection broke and whose backend does not know it yet,
    or one whose process is dead, it is a transient RunError: the server will soon notice (connect.NOTICE).
    """
    give_up = time.monotonic() + UNKNOWN
    while not _taken(connection, mapping):
        holder = connection.execute(
            text(f"select * from {tables.SCHEMA}.lock where mapping = :mapping"),
            {"mapping": mapping},
        ).first()
        if holder or time.monotonic() > give_up:
            raise _locked(mapping, holder, run_id)
        time.sleep(LOOK_EVERY)


def _taken(connection: Connection, mapping: str) -> bool:
    ask = text(f"select pg_try_advisory_xact_lock({LOCK_KEY})")
    return bool(connection.execute(ask, {"mapping": mapping}).scalar_one())


def _locked(
    mapping: str, holder: Row[tuple[object, ...]] | None, run_id: uuid.UUID
) -> LockedError | RunError:
    """Return what is to be said of the lock that somebody else holds, by his row of `engine.lock`."""
    if holder is None:
        who = "a run that is just starting"
    elif holder.run_id == run_id:
        return RunError("the lost attempt before still holds the lock", transient=True)
    elif holder.host == socket.gethostname() and not _alive(holder.pid):
        return RunError(
            f"run {holder.run_id} has died (process {holder.pid}), and its session still holds the lock",
            transient=True,
        )
    else:
        since = f"{holder.started_at:%F %T} UTC"
        who = f"run {holder.run_id} on {holder.host} (process {holder.pid}) since {since}"
    return LockedError(
        f"mapping '{mapping}' is being run already: {who} holds the lock; try again later"
    )


def lock_tables(connection: Connection, names: Iterable[str]) -> None:
    """Wait until no other mapping loads one of these tables, and keep it so until the transaction ends.

    Two stars may share a dimension. All runs ask in one order, so that none waits for one that waits.
    """
    taken = "select {}(hashtextextended('engine table:' || :name, 0))"
    for name in sorted(names):
        ask = text(taken.format("pg_try_advisory_xact_lock"))
        if not connection.execute(ask, {"name": name}).scalar_one():
            logger.info("waiting for the run of another mapping that loads %s", name)
            connection.execute(text(taken.format("pg_advisory_xact_lock")), {"name": name})


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and another user's
        return True
    return True


def begin(connection: Connection, run_id: uuid.UUID, mapping: str, attempt: int) -> None:
    """Record that a run has begun. The caller has the lock, so older runs that say so have died. Commits."""
    connection.execute(
        update(tables.run)
        .where(tables.run.c.mapping == mapping, tables.run.c.status == "running")
        .where(tables.run.c.run_id != run_id)
        .values(status="died", error="the engine ended without a word")
    )
    state = {"status": "running", "attempt": attempt}
    row = insert(tables.run).values(
        run_id=run_id, mapping=mapping, host=socket.gethostname(), pid=os.getpid(), **state
    )
    if attempt > 1:  # the attempt before may have failed too early to be recorded
        again = state | {"error": None, "seconds": None, "ended_at": None}
        row = row.on_conflict_do_update(index_elements=["run_id"], set_=again)
    connection.execute(row)
    connection.commit()


def status_of(connection: Connection, run_id: uuid.UUID) -> str | None:
    """Return what became of a run: after a lost answer to COMMIT this alone knows (TRAPS 42)."""
    return connection.execute(
        select(tables.run.c.status).where(tables.run.c.run_id == run_id)
    ).scalar_one_or_none()


def end(
    connection: Connection, run_id: uuid.UUID, status: str, error: str | None, seconds: float
) -> None:
    """Record how a run ended, unless that is known; the caller commits, with the star when it is done.

    That it died is what the next run supposed, and the run itself knows better.
    """
    connection.execute(
        update(tables.run)
        .where(tables.run.c.run_id == run_id, tables.run.c.status.in_(("running", "died")))
        .values(status=status, error=error, seconds=seconds, ended_at=tables.NOW)
    )


def record(
    connection: Connection, run_id: uuid.UUID, steps: Sequence[Done], verdicts: Sequence[Verdict]
) -> None:
    """Record the steps and the checks of a run; the caller commits."""
    connection.execute(delete(tables.step).where(tables.step.c.run_id == run_id))
    connection.execute(delete(tables.check_result).where(tables.check_result.c.run_id == run_id))
    if steps:
        connection.execute(
            insert(tables.step),
            [
                {
                    "run_id": run_id,
                    "ordinal": n,
                    "entry": done.entry,
                    "title": done.title,
                    "measure": done.measure,
                    "rows": done.rows,
                    "seconds": done.seconds,
                }
                for n, done in enumerate(steps, 1)
            ],
        )
    if verdicts:
        connection.execute(
            insert(tables.check_result),
            [
                {
                    "run_id": run_id,
                    "ordinal": n,
                    "entry": verdict.entry,
                    "check_name": verdict.check,
                    "place": verdict.place,
                    "status": verdict.status,
                    "failed": verdict.failed,
                    "total": verdict.total,
                }
                for n, verdict in enumerate(verdicts, 1)
            ],
        )


def progress_of(connection: Connection, mapping: str) -> dict[str, Progress]:
    """Return how far each entry of a mapping has been read; the ledger has to be there (version_of)."""
    marks = tables.watermark
    rows = connection.execute(
        select(marks).where(marks.c.mapping == mapping).order_by(marks.c.entry, marks.c.moment)
    ).all()
    return {
        entry: _progress([row for row in rows if row.entry == entry])
        for entry in {row.entry for row in rows}
    }


def _progress(rows: Sequence[Row[tuple[object, ...]]]) -> Progress:
    marks = [(Mark(row.moment, row.high, tuple(row.further or ())), row.settled) for row in rows]
    settled = [mark for mark, is_settled in marks if is_settled]
    waiting = tuple(mark for mark, is_settled in marks if not is_settled)
    newest = rows[-1]
    return Progress(settled[-1] if settled else None, waiting, newest.identity, newest.fingerprint)


def save_progress(
    connection: Connection, run_id: uuid.UUID, mapping: str, progress: Mapping[str, Progress]
) -> None:
    """Replace the watermarks of the entries that were read; the caller commits."""
    marks = tables.watermark
    rows = [
        {
            "mapping": mapping,
            "entry": entry,
            "moment": mark.moment,
            "high": mark.high,
            "further": list(mark.further) or None,
            "settled": is_settled,
            "identity": reached.identity,
            "fingerprint": reached.fingerprint,
            "run_id": run_id,
        }
        for entry, reached in progress.items()
        for marked, is_settled in ((reached.marks, False), ((reached.settled,), True))
        for mark in marked
        if mark
    ]
    if progress:
        old = marks.c.mapping == mapping, marks.c.entry.in_(progress)
        connection.execute(delete(marks).where(*old))
    if rows:
        connection.execute(insert(marks), rows)


def depart(connection: Connection, star: Star) -> None:
    """Note of the entries that a mapping has no more that runs did without them; the caller commits."""
    marks = tables.watermark.c
    connection.execute(
        update(tables.watermark)
        .where(marks.mapping == star.name, marks.entry.not_in([e.name for e in star.entries]))
        .where(marks.fingerprint.not_like(f"{GONE}%"))
        .values(fingerprint=GONE + marks.fingerprint)
    )


def outdate(connection: Connection, mapping: str, schema: str, dimensions: Collection[str]) -> None:
    """Let other mappings that load these dimensions of a schema read all again: they hold keys of before.

    A mapping that is known to load tables of another schema is left alone. The caller commits.
    """
    marks, known = tables.watermark, tables.dimension.c
    sharing = select(marks.c.mapping).where(marks.c.entry.in_(dimensions))
    elsewhere = select(known.mapping).where(known.schema_name != schema, known.mapping.is_not(None))
    connection.execute(
        update(marks)
        .where(marks.c.mapping != mapping, marks.c.mapping.in_(sharing))
        .where(marks.c.mapping.not_in(elsewhere))
        .values(fingerprint=REMADE)
    )


def abandoned(connection: Connection, star: Star, loaded: Collection[str]) -> Iterator[str]:
    """Yield the tables of entries that a mapping has `loaded` and has no more, unless another one goes on."""
    names = sorted({*loaded} - {entry.name for entry in star.entries})
    bound = {"mapping": star.name, "schema": star.connection("warehouse").schema, "names": names}
    if names:
        yield from connection.execute(ABANDONED, bound).scalars()


def steps_of(connection: Connection, run_id: uuid.UUID) -> tuple[Done, ...]:
    """Return the recorded steps of a run, in order."""
    rows = connection.execute(
        select(tables.step).where(tables.step.c.run_id == run_id).order_by(tables.step.c.ordinal)
    )
    return tuple(Done(r.entry, r.title, r.measure, r.rows, r.seconds) for r in rows)


def verdicts_of(connection: Connection, run_id: uuid.UUID) -> tuple[Verdict, ...]:
    """Return the recorded verdicts of a run, in order."""
    results = tables.check_result
    rows = connection.execute(
        select(results).where(results.c.run_id == run_id).order_by(results.c.ordinal)
    )
    return tuple(
        Verdict(r.entry, r.check_name, "", r.status, r.failed, r.total, r.place) for r in rows
    )
