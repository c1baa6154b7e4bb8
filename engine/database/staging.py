"""Fill the stages: several queries at a time, each over its own pair of connections, all of one snapshot."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextvars import copy_context
from dataclasses import field
from typing import TypeVar

import psycopg2
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from engine.database.connect import Sessions, backend, count_of, execute
from engine.database.failure import KeysError, failure_of, sentence
from engine.database.pipe import stream
from engine.database.source import Snapshot, refuse_rewritten
from engine.database.tell import counted
from engine.errors import RunError
from engine.listener import Listener
from engine.plan.shape import STAGE_SCHEMA
from engine.plan.steps import (
    Copy,
    CountNullCursors,
    CountSource,
    Done,
    DropStage,
    EstimateRows,
    FillCalendar,
    FillClock,
    ReadCursors,
    StagePlan,
    Step,
    Table,
)
from engine.sql.quote import columns, table
from engine.sql.render import render
from engine.values import dataclass

Of = TypeVar("Of")
Result = TypeVar("Result")

WORKERS = 2  # streams at a time; more gain nothing on the cores of a small machine (MEASURED)


@dataclass(frozen=True, slots=True)
class Staged:
    """What is in a stage: the steps that filled it, the highest cursor, the rows without a key if known.

    `met` says whether there is a row with a cursor, if there is one to ask for.
    """

    steps: tuple[Done, ...]
    highest: tuple[str | None, ...] = ()  # of each cursor
    keyless: int | None = None
    met: bool = True


ARRIVING = """
select pid, tuples_processed from pg_stat_progress_copy where datname = current_database()
"""

LEFT_BEHIND = text(f"""
select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = '{STAGE_SCHEMA}' and c.relkind = 'r' and starts_with(c.relname, :mapping || '.')
  and pg_has_role(c.relowner, 'usage')
""")


def drop_left_behind(connection: Connection, mapping: str) -> None:
    """Drop the stages of runs that failed or died, of entries too that the mapping no longer has.

    The caller has the mapping's lock; its connection is in autocommit mode.
    """
    for name in connection.execute(LEFT_BEHIND, {"mapping": mapping}).scalars().all():
        execute(connection, render(DropStage(stage=Table(STAGE_SCHEMA, name)))).close()


def receive(copy: Copy) -> str:
    """Say the statement that takes in what a copy sends."""
    names = columns(column.name for column in copy.columns)
    freeze = "" if copy.part else ", freeze"  # which is for one who has made the table
    return f"copy {table(copy.stage)} ({names}) from stdin (format binary{freeze})"


def refuse_null_cursors(step: ReadCursors, forbidden: Sequence[int]) -> None:
    """Raise CheckFailedError when rows have no cursor and the mapping says that none may be so."""
    for cursor, rows in zip(step.cursors, forbidden, strict=True):
        if rows:
            many = counted(rows, "row has", "rows have")
            raise KeysError(
                f"{step.entry}: {many} no {cursor.column}, and the cursor says null: fail; "
                "mend them in the source, or say null: always to read them in every run",
                step,
                "source.cursor",
            )


@dataclass
class Staging:
    """Fills stages on worker threads; each keeps one connection to each side for all that it fills."""

    sessions: Sessions
    warehouse: Engine
    snapshots: Mapping[str, Snapshot]
    streams: ThreadPoolExecutor  # of queries that are read in several, beside who fills the stage
    listener: Listener
    filling: dict[int, str] = field(
        default_factory=dict
    )  # entries by the backend that takes them in
    expected: Counter[str] = field(default_factory=Counter)  # rows that are to come, by entry
    failure: BaseException | None = None  # the first: what fails after it says less
    _own: threading.local = field(default_factory=threading.local)

    def start(
        self, pool: ThreadPoolExecutor, plans: tuple[StagePlan, ...]
    ) -> dict[str, Future[Staged]]:
        """Begin to fill every stage; the result of each comes when it is full.

        The last one begins first: it is a fact, which takes longest, where there is one.
        """
        order = (*plans[-1:], *plans[:-1])
        return {plan.entry: self._submit(pool, self.fill, plan) for plan in order}

    def count(
        self, pool: ThreadPoolExecutor, plans: tuple[StagePlan, ...]
    ) -> dict[str, Future[Done]]:
        """Begin to count in the source what stages were to be filled with, where a check asks for it."""
        return {p.entry: self._submit(pool, self._counted, p.count) for p in plans if p.count}

    def _submit(
        self, pool: ThreadPoolExecutor, work: Callable[[Of], Result], of: Of
    ) -> Future[Result]:
        return pool.submit(copy_context().run, self._unless_failed, work, of)

    def _unless_failed(self, work: Callable[[Of], Result], of: Of) -> Result:
        """Do a piece of work, unless one has failed: its connections are those of the next one too."""
        if self.failure:
            raise self.failure
        try:
            return work(of)
        except BaseException as error:
            self.failure = self.failure or error
            raise

    def arriving(self, connection: Connection) -> tuple[tuple[str, int], ...]:
        """Return how many rows have arrived in each stage that is being filled just now."""
        filling, arrived = dict(self.filling), Counter[str]()
        for row in execute(connection, ARRIVING).all():
            if row.pid in filling:
                arrived[filling[row.pid]] += int(row.tuples_processed)
        return tuple(arrived.items())

    def fill(self, plan: StagePlan) -> Staged:
        """Make and fill one stage, in one transaction: rows that nobody else can see arrive frozen."""
        target = self._target()
        for stage in plan.tables:
            execute(target, render(DropStage(stage=stage))).close()
        done = [self._do(target, plan.create)]
        if plan.beside:
            target.commit()
            done += self._in_streams(plan)
        else:
            done.append(self._stream(plan.fill))
        arrived = sum(each.rows for each in done[1:])
        if plan.analyze and any(each.rows for each in done):
            done.append(self._do(target, plan.analyze))
        done += [self._do(target, step) for step in plan.keys]
        if plan.null_cursors:
            done.append(self._do(target, plan.null_cursors))
        self._own.highest, self._own.forbidden, self._own.keyless = (), (), None
        if plan.cursors:
            done.append(self._do(target, plan.cursors))
            arrived -= done[-1].rows
            refuse_null_cursors(plan.cursors, self._own.forbidden)
        target.commit()
        return Staged(tuple(done), self._own.highest, self._own.keyless, met=arrived > 0)

    def _in_streams(self, plan: StagePlan) -> list[Done]:
        """Let several connections fill one stage; who fails is waited for, as its connection is in use."""
        beside = [self._submit(self.streams, self._stream, step) for step in plan.beside]
        try:
            done = [self._stream(plan.fill)]
            return [*done, *(each.result() for each in beside)]
        finally:
            wait_for(beside)

    def _stream(self, step: Copy | FillCalendar | FillClock) -> Done:
        target = self._target()
        self.filling[backend(target)] = step.entry
        if not isinstance(step, Copy) or not step.part:
            return self._do(target, step)  # in the transaction that has made the stage
        with target.begin():
            return self._do(target, step)

    def _counted(self, step: CountSource) -> Done:
        return self._do(self._target(), step)

    def _do(self, target: Connection, step: Step) -> Done:
        self.sessions.refuse_when_cancelled()
        self.listener.began(step)
        start = time.perf_counter()
        try:
            count = self._count(target, step)
        except (DBAPIError, psycopg2.Error) as error:
            self.sessions.refuse_when_cancelled()
            raise failure_of(step, error) from error
        return Done(step.entry, step.title, step.measure, count, time.perf_counter() - start)

    def _count(self, target: Connection, step: Step) -> int:
        """Do a step where it belongs and return its count."""
        if isinstance(step, Copy | CountNullCursors | CountSource):
            return self._asked(step, target)
        if isinstance(step, ReadCursors):
            row = execute(target, render(step)).one()
            self._own.highest, self._own.keyless = tuple(row.highest), row.keyless
            self._own.forbidden = tuple(row.forbidden)
            return int(row.nulls)
        return count_of(target, render(step))

    def _asked(self, step: Copy | CountNullCursors | CountSource, target: Connection) -> int:
        """Do a step in a source, in a transaction of its own.

        Kept open, it would keep its locks: whoever wants to alter a table would wait for us, we for them as
        soon as we read that table again, and neither server could see that as the deadlock that it is.
        """
        source = self._source(step.connection)
        if isinstance(step, Copy):
            plan = execute(source, render(EstimateRows(copy=step))).scalar_one()
            self.expected[step.entry] += int(plan[0]["Plan"]["Plan Rows"])
            self.listener.expects(step.entry, self.expected[step.entry])
            count = stream(source, render(step), target, receive(step))
        else:
            count = count_of(source, render(step))
        refuse_rewritten(source)
        source.rollback()
        return count

    def _target(self) -> Connection:
        if not hasattr(self._own, "target"):
            self._own.target = self.sessions.connect(self.warehouse)
            # A tenth of the sample is enough to choose between hash joins, and takes a quarter of the time.
            execute(self._own.target, "set default_statistics_target = 10").close()
            self._own.target.commit()
        return self._own.target  # type: ignore[no-any-return]

    def _source(self, name: str) -> Connection:
        """Return this thread's connection to a source, in a transaction that sees the run's snapshot."""
        sources: dict[str, Connection] = self._own.__dict__.setdefault("sources", {})
        if name not in sources:
            sources[name] = self.snapshots[name].connect()
        try:
            self.snapshots[name].join(sources[name])
        except DBAPIError as error:  # the session that exported it has ended
            self.sessions.refuse_when_cancelled()
            raise RunError(
                f"the snapshot of the {name} is gone: {sentence(error)}", transient=True
            ) from error
        return sources[name]
