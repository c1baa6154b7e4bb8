"""The tables of the ledger, and the migrations that make them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Identity,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import CreateTable

SCHEMA = "engine"
metadata = MetaData(schema=SCHEMA)

NOW = func.clock_timestamp()

run = Table(
    "run",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("mapping", Text, nullable=False),
    Column("status", Text, nullable=False, comment="running, done, failed or died"),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("ended_at", DateTime(timezone=True)),
    Column("seconds", Double),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("host", Text, nullable=False, comment="the machine the engine ran on"),
    Column("pid", Integer, nullable=False, comment="the process id of the engine there"),
    Column("error", Text),
    comment="one row for each run of a mapping",
)

step = Table(
    "step",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    comment="what each statement of a run did",
)

check_result = Table(
    "check_result",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("check_name", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("status", Text, nullable=False, comment="pass, warn or fail"),
    Column("failed", BigInteger, nullable=False, comment="rows that break the check"),
    Column("total", BigInteger, nullable=False, comment="rows that were looked at"),
    comment="the verdict of each check of a run",
)

watermark = Table(
    "watermark",
    metadata,
    Column("mapping", Text, primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("moment", BigInteger, primary_key=True, comment="microseconds of the source's clock"),
    Column("high", Text, comment="the highest cursor that was read, as the server's own text"),
    Column(
        "further",
        ARRAY(Text),
        comment="the same of each other cursor; none, or NULL, for one alone",
    ),
    Column("settled", Boolean, nullable=False, comment="the next run reads from here"),
    Column("identity", Text, nullable=False, comment="the source's cluster, timeline and database"),
    Column("fingerprint", Text, nullable=False, comment="of the entry's definition"),
    Column("run_id", Uuid, nullable=False),
    comment="how far each entry has been read, and the marks that wait for open transactions to end",
)

reject = Table(
    "reject",
    metadata,
    Column("reject_id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", Uuid, nullable=False, comment="the run that rejected the row first"),
    Column("mapping", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("rule", Text, nullable=False, comment="the path of the rule in the mapping"),
    Column("reason", Text, nullable=False),
    Column("place", Text, nullable=False, comment="file:line:column of the rule"),
    Column("row", JSONB, nullable=False, comment="the row of the source"),
    Column("row_hash", Text, nullable=False),
    Column("rejected_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    UniqueConstraint("mapping", "entry", "rule", "row_hash"),
    comment="rows that were not loaded, and why",
)

dimension = Table(
    "dimension",
    metadata,
    Column("schema_name", Text, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("run_id", Uuid, nullable=False, comment="the last run that changed a member"),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("mapping", Text, comment="the mapping that loaded it last"),
    Column("definition", Text, comment="of that mapping, as a hash"),
    Column(
        "content", Text, comment="of a calendar or a clock: its statement and its rows, as hashes"
    ),
    comment="the version of each dimension, by which a cache knows whether it is up to date",
)

# Who holds a mapping's lock, for people: the lock itself is an advisory lock of the publishing transaction,
# which the server drops with its session and which transaction pooling cannot separate (TRAPS 44).
LOCK_VIEW = f"""
create view {SCHEMA}.lock as
select r.mapping, r.run_id, r.started_at, r.host, r.pid, l.pid as backend
from {SCHEMA}.run as r
join pg_locks as l on l.locktype = 'advisory' and l.objsubid = 1
  and l.database = (select oid from pg_database where datname = current_database())
  and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('engine:' || r.mapping, 0)
where r.status = 'running' and l.granted
"""

# `create_all` has made it in a new ledger.
SPOKEN = postgresql.dialect()  # type: ignore[no-untyped-call]
DIMENSION = str(CreateTable(dimension, if_not_exists=True).compile(dialect=SPOKEN))

# A new ledger has it already. What older runs have written has one cursor.
FURTHER = f"alter table {SCHEMA}.watermark add column if not exists further text[]"

DEFINED = (
    f"alter table {SCHEMA}.dimension add column if not exists mapping text, "
    "add column if not exists definition text"
)

CONTENT = f"alter table {SCHEMA}.dimension add column if not exists content text"

# Each entry brings the ledger from the version of its place to the next; never edit one that was released.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (LOCK_VIEW,),
    (DIMENSION,),
    (FURTHER,),
    (DEFINED,),
    (CONTENT,),
)
