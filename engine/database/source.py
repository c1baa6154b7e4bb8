"""The source: one exported snapshot that every query of a run reads, and who else was writing meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from engine.database.connect import Sessions, backend, execute
from engine.database.failure import sentence
from engine.errors import RunError
from engine.plan.progress import Activity
from engine.values import dataclass

TRIES = 10  # to take a snapshot around which no transaction came and went unseen

# Every session counts, with a transaction id or without (TRAPS 1): it may have taken its clock or its
# sequence numbers already. Not the workers that only help or only read.
ACTIVITY = """
select
  pg_snapshot_xmax(pg_current_snapshot())::text as xmax,
  (extract(epoch from clock_timestamp()) * 1000000)::bigint as moment,
  (extract(epoch from min(a.xact_start)) * 1000000)::bigint as oldest,
  (select count(*) > 0 from pg_prepared_xacts where database = current_database()) as prepared,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage') and not pg_is_in_recovery()
    and not coalesce(bool_or(a.state = 'disabled'), false) as visible
from pg_stat_activity as a
where a.datname = current_database() and a.pid <> all (array[{pids}]::integer[])
  and a.backend_type not in ('walsender', 'autovacuum worker', 'parallel worker')
"""

IDENTITY = """
select
  (select system_identifier from pg_control_system()) || '/' ||
    (select timeline_id from pg_control_checkpoint()) || '/' ||
    (select oid from pg_database where datname = current_database()) as identity,
  clock_timestamp()::text as instant,
  (extract(epoch from clock_timestamp()) * 1000000)::bigint as moment,
  -- In autumn an hour comes twice where clocks change: what was written in it must be read again.
  ((clock_timestamp() at time zone zone.name) - case
    when (timestamptz '2026-01-01 00:00+00' at time zone zone.name) - timestamp '2026-01-01' <>
      (timestamptz '2026-07-01 00:00+00' at time zone zone.name) - timestamp '2026-07-01'
    then interval '2 hours' else interval '0' end)::text as local_time,
  (clock_timestamp() at time zone zone.name)::text as now_there,
  (clock_timestamp() at time zone zone.name)::date::text as today,
  ((clock_timestamp() at time zone zone.name)::date + 1)::text as tomorrow
from (select reset_val as name from pg_settings where name = 'TimeZone') as zone
"""

# TRUNCATE, a table that is made anew and most changes of a type give a table another file, and an older
# snapshot finds nothing in it. The catalogue is read as of that snapshot, the file as it is now; of a table
# that this transaction has read (and so locked), nobody can change it any more.
REWRITTEN = """
select string_agg(l.relation::regclass::text, ', ' order by l.relation::regclass::text)
from pg_locks as l left join pg_class as c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.locktype = 'relation'
  and l.database = (select oid from pg_database where datname = current_database())
  and (c.oid is null or c.relkind in ('r', 'm') and c.relfilenode <> 0
    and c.relfilenode <> pg_relation_filenode(c.oid))
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which cluster and database this is, and the moment by its clock: in microseconds, and for each type.

    `limits` are what no cursor can be beyond, `moments` the time itself.
    """

    identity: str
    moment: int
    limits: dict[str, str]
    moments: dict[str, str]

    @property
    def today(self) -> date:
        """The day of the moment, in UTC."""
        return datetime.fromtimestamp(self.moment / 1_000_000, UTC).date()


class Snapshot:
    """A read-only view of one source at one moment: `reader` holds it, and who streams joins it.

    `monitor` looks from outside at who else is writing.
    """

    def __init__(self, engine: Engine, sessions: Sessions) -> None:
        self._engine = engine
        self._sessions = sessions
        self.monitor = sessions.connect(engine, autocommit=True)
        self.reader = sessions.connect(engine)
        self.origin = origin(self.monitor)
        self.activity, self.name = self._take()

    def _take(self) -> tuple[Activity, str]:
        """Take the snapshot between two looks at who is writing; again when a writer slipped between."""
        pids = f"{backend(self.monitor)}, {backend(self.reader)}"
        self.reader.rollback()
        for _ in range(TRIES):
            before = execute(self.monitor, ACTIVITY.format(pids=pids)).one()
            name = begin(self.reader)
            after = execute(self.monitor, ACTIVITY.format(pids=pids)).one()
            if before.xmax == after.xmax:
                break
            self.reader.rollback()
        else:
            before = execute(self.monitor, ACTIVITY.format(pids=pids)).one()
            name = begin(self.reader)
            after = execute(self.monitor, ACTIVITY.format(pids=pids)).one()
        oldest = [row.oldest for row in (before, after) if row.oldest is not None]
        return Activity(
            moment=after.moment,
            oldest=min(oldest, default=None),
            prepared=before.prepared or after.prepared,
            exact=before.xmax == after.xmax,
            visible=after.visible,
        ), name

    def connect(self) -> Connection:
        """Open one more connection, which is to join."""
        return self._sessions.connect(self._engine)

    def join(self, connection: Connection) -> None:
        """Let a connection see exactly this snapshot, until its transaction ends."""
        execute(connection, "set transaction isolation level repeatable read, read only").close()
        execute(connection, f"set transaction snapshot '{self.name}'").close()

    def verdict(self) -> None:
        """Ask the source whether it is still there with this snapshot; RunError when not (TRAPS 11)."""
        try:
            execute(self.reader, "select 1").close()
        except DBAPIError as error:
            where = self._engine.get_execution_options()["where"]
            raise RunError(
                f"{where}: the snapshot was lost before the commit: {sentence(error)}",
                transient=True,
            ) from error


def refuse_rewritten(connection: Connection) -> None:
    """Raise a transient RunError when a table that was read has been emptied or made anew meanwhile."""
    if names := execute(connection, REWRITTEN).scalar_one():
        raise RunError(
            f"{names}: truncated, rewritten or made anew while the source was being read, whose snapshot "
            "finds nothing in it",
            transient=True,
        )


def begin(reader: Connection) -> str:
    """Begin the transaction that owns the snapshot, and return the name by which others join it."""
    execute(reader, "set transaction isolation level repeatable read, read only")
    return str(execute(reader, "select pg_export_snapshot()").scalar_one())


def origin(connection: Connection) -> Origin:
    """Ask a source who it is (TRAPS 8) and what time it is, beyond which no cursor can be true."""
    row = execute(connection, IDENTITY).one()
    return Origin(
        row.identity,
        row.moment,
        {
            "timestamp with time zone": row.instant,
            "timestamp without time zone": row.local_time,
            "date": row.tomorrow,
            "numeric": "Infinity",
        },
        {
            "timestamp with time zone": row.instant,
            "timestamp without time zone": row.now_there,
            "date": row.today,
        },
    )
