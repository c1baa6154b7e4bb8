"""The one transaction that publishes a run: star, watermarks, checks and the run's own record, or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database import ledger, versions
from engine.database.answers import do
from engine.database.connect import Sessions, execute
from engine.database.contents import content_of
from engine.database.failure import sentence
from engine.database.judging import Judge, Locate
from engine.database.source import Snapshot
from engine.database.spared import spared
from engine.database.staging import Staged
from engine.database.tell import FELL_BEHIND, told
from engine.database.work import Follower, Work
from engine.errors import RunError
from engine.mapping.load import Loaded
from engine.mapping.model import Star
from engine.plan.progress import BEHIND, Mark, Progress, advance, base, lag_of
from engine.plan.quality import Verdict
from engine.plan.steps import Done, DropStage, Notice, Plan
from engine.plan.world import TableState, World
from engine.report import Report, entry_report
from engine.retry import is_transient
from engine.sql.quote import ident
from engine.sql.render import render

# Made for turning disks, the defaults read a whole fact to change a hundredth of it, and hold a million
# rows handed over by a parallel worker for dearer than they are. A tenth of the sample is enough to plan the
# load; autovacuum, which sees the new rows after the commit, takes the whole one (benchmarks/NOTES.md).
PLANNING = (
    "set local random_page_cost = 1.1; set local parallel_tuple_cost = 0.01; "
    "set local default_statistics_target = 10"
)


class UnknownOutcomeError(RunError):
    """The answer to COMMIT was lost: only the ledger knows whether the star was published."""


class Publication:
    """Executes a plan on one connection; nothing is visible to others before `commit`."""

    def __init__(
        self, main: Connection, sessions: Sessions, run_id: uuid.UUID, listener: Follower
    ) -> None:
        self.verdicts: list[Verdict] = []
        self.changes: tuple[versions.Change, ...] = ()
        self._notices: list[Notice] = []
        self._work = Work(main, sessions, listener)
        self._main = main
        self._sessions = sessions
        self._run_id = run_id

    @property
    def steps(self) -> list[Done]:
        """What was done so far."""
        return self._work.done

    def schema(self, plan: Plan, schema: str) -> None:
        """Make the tables what the mapping wants; what checks name without a schema is the star's."""
        run = f"select set_config('engine.run_id', '{self._run_id}', true)"
        search = f"set local search_path = {ident(schema)}, public"
        execute(self._main, "; ".join((run, PLANNING, search))).close()
        for step in plan.schema:
            do(step, self._work, self._notices.extend)

    def load(self, plan: Plan, filled: Callable[[str], Staged]) -> None:
        """Load entry after entry, each as soon as its stage is full; `filled` waits for that."""
        staged: dict[str, Staged] = {}
        for step in plan.load:
            if step.reads not in staged:
                staged[step.reads] = _staged(plan, step.reads, filled)
                self._work.take(staged[step.reads].steps)
            if not spared(step, staged[step.reads].keyless, self.steps):
                do(step, self._work, self._notices.extend)

    def check(self, plan: Plan, place: Locate, counted: Callable[[str], Done]) -> None:
        """Prove that every row is accounted for and every check holds, or raise CheckFailedError.

        `counted` waits for an entry's own count of the source.
        """
        judge = Judge(self._work, plan, place)
        self.verdicts = judge.verdicts
        judge.judge(counted)

    def progress(
        self,
        loaded: Loaded,
        world: World,
        snapshots: Mapping[str, Snapshot],
        stages: Mapping[str, Future[Staged]],
        plan: Plan,
    ) -> None:
        """Move the watermarks of what was read as far as is settled; note the dimensions' versions."""
        old = ledger.progress_of(self._main, loaded.star.name)
        new: dict[str, Progress] = {}
        for entry in loaded.star.entries:
            if entry.source is None or entry.name not in stages:
                continue
            reading = world.readings[entry.name]
            if reading.span:
                new |= {entry.name: Progress(None)} if reading.stale else {}
                continue
            snapshot = snapshots[entry.source.connection]
            before = base(
                old.get(entry.name, Progress(None)),
                snapshot.origin.identity,
                plan.fingerprints[entry.name],
                snapshot.activity.moment,
            )
            cursors, staged = entry.source.cursors, stages[entry.name].result()
            lows = reading.lows(len(cursors))
            reached = [high or low for high, low in zip(staged.highest, lows, strict=True)]
            high, *further = reached or [None]
            lag = lag_of([each.lag for each in cursors], visible=snapshot.activity.visible)
            mark = Mark(snapshot.activity.moment, high, tuple(further))
            new[entry.name] = advance(before, mark, snapshot.activity, lag)
            if any(lows) and not staged.met:  # the border itself is read again, so it was there
                new[entry.name] = replace(new[entry.name], fingerprint=BEHIND)
                self._notices.append(Notice(entry.name, FELL_BEHIND))
        new |= dict.fromkeys(_orphaned(loaded.star, world, plan.fingerprints), Progress(None))
        ledger.save_progress(self._main, self._run_id, loaded.star.name, new)
        ledger.depart(self._main, loaded.star)
        if remade := tuple(_remade(loaded.star, world, self.steps)):
            schema = loaded.star.connection("warehouse").schema
            ledger.outdate(self._main, loaded.star.name, schema, remade)
        self.changes = tuple(self._note(loaded.star, world, plan))

    def _note(self, star: Star, world: World, plan: Plan) -> Iterator[versions.Change]:
        """Note the versions of the dimensions, and what is in calendars and clocks that were made."""
        fills = {stage.entry: stage for stage in plan.stages}
        contents = {
            d.name: content_of(self._main, star, d, fills[d.name]) if d.generated else ""
            for d in star.dimensions
            if d.name in plan.entries and d.name not in plan.kept
        }
        return versions.note(self._main, self._run_id, star, contents, self.steps, world.loaded)

    def report(self, plan: Plan, seconds: float, notices: tuple[Notice, ...] = ()) -> Report:
        """Return what the run did so far."""
        return Report(
            run_id=str(self._run_id),
            mapping=plan.mapping,
            status="done",
            seconds=round(seconds, 3),
            entries=tuple(entry_report(entry, self.steps) for entry in plan.entries),
            checks=tuple(self.verdicts),
            notices=(*plan.notices, *told(self.steps), *self._notices, *notices),
            steps=tuple(self.steps),
        )

    def commit(self, plan: Plan, report: Report) -> None:
        """Publish, and remove the stages, which after the commit may be those of the next run already.

        A RunError says when the answer was lost and only the ledger knows what happened.
        """
        used = [table for stage in plan.stages for table in stage.tables]
        used += [table for step in plan.load for table in step.scratch]
        if used:
            drops = (render(DropStage(stage=stage)) for stage in used)
            execute(self._main, "; ".join(drops)).close()
        ledger.record(self._main, self._run_id, self.steps, self.verdicts)
        ledger.end(self._main, self._run_id, "done", None, report.seconds)
        self._sessions.refuse_when_cancelled()
        try:
            self._main.commit()
        except DBAPIError as error:
            if not is_transient(error):
                raise
            raise UnknownOutcomeError(
                f"the answer to COMMIT was lost, and `engine history` tells whether the star was published: "
                f"{sentence(error)}",
                transient=True,
            ) from error


def _staged(plan: Plan, entry: str, filled: Callable[[str], Staged]) -> Staged:
    """Wait for the stage of an entry, or for those that it is made of, which are told of in their turn."""
    if entry not in plan.hosts:
        return filled(entry)
    for host in plan.hosts[entry]:
        filled(host)
    return Staged(())


def _remade(star: Star, world: World, steps: Iterable[Done]) -> Iterator[str]:
    """Find dimensions that a mapping had loaded before, and that this run found empty and filled."""
    filled = {
        done.entry for done in steps if done.rows and done.measure in ("inserted", "inferred")
    }
    for dimension in star.dimensions:
        emptied = world.tables.get(dimension.name, TableState()).empty
        known = dimension.name in world.loaded and dimension.name in filled
        if known and emptied and dimension.generated is None:
            yield dimension.name


def _orphaned(star: Star, world: World, loaded: Collection[str]) -> Iterator[str]:
    """Find what holds keys of a dimension that this run made anew without it: read it again."""
    for entry in star.entries:
        made = {x.dimension for x in entry.lookups if x.dimension in loaded}
        if entry.name not in loaded and any(world.tables.get(n, TableState()).empty for n in made):
            yield entry.name
