"""The one transaction that publishes a run: star, watermarks, checks and the run's own record, or nothing."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

import psycopg2
from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from engine.database import ledger, versions
from engine.database.circles import told_of_tree
from engine.database.connect import Sessions, count_of, execute
from engine.database.contents import content_of
from engine.database.failure import MEND, failure_of, sentence
from engine.database.missing import missing_one
from engine.database.source import Snapshot
from engine.database.spared import spared
from engine.database.staging import Staged
from engine.database.tell import counted, inferred, told, waiting
from engine.errors import CheckFailedError, Place, RunError
from engine.mapping.load import Loaded
from engine.mapping.model import Check, Star, Tolerance
from engine.plan.progress import Mark, Progress, advance, base, lag_of
from engine.plan.quality import (
    Status,
    Verdict,
    exceeds,
    judge,
    label,
    of_age,
    of_rows,
    of_source,
    tolerated,
)
from engine.plan.steps import (
    BuildLinks,
    BuildVersions,
    CheckBridge,
    CheckFreshness,
    CheckRowCount,
    CheckRows,
    CheckStep,
    CountCircles,
    CountHeld,
    CountInferred,
    CountOrphans,
    CountSeveral,
    Done,
    DropStage,
    FillCombinations,
    FillDense,
    FillGroups,
    FindGone,
    Notice,
    Plan,
    ProveFew,
    ProveFilled,
    ProveFound,
    ProveOrdinary,
    ProveRange,
    ProveUnique,
    RejectCheck,
    RejectDuplicates,
    Step,
    Upsert,
)
from engine.plan.world import TableState, World
from engine.report import Report, check_line, entry_report
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

PROOFS = (ProveFound, ProveFilled, ProveOrdinary, ProveRange)


class UnknownOutcomeError(RunError):
    """The answer to COMMIT was lost: only the ledger knows whether the star was published."""


class Follower(Protocol):
    """Whoever hears what steps begin and end."""

    def began(self, step: Step) -> None:
        """Hear that a step has begun."""

    def ended(self, done: Done) -> None:
        """Hear what a step did."""


class Publication:
    """Executes a plan on one connection; nothing is visible to others before `commit`."""

    def __init__(
        self, main: Connection, sessions: Sessions, run_id: uuid.UUID, listener: Follower
    ) -> None:
        self.steps: list[Done] = []
        self.verdicts: list[Verdict] = []
        self.changes: tuple[versions.Change, ...] = ()
        self._notices: list[Notice] = []
        self._rejected: list[tuple[RejectCheck, int]] = []
        self._main = main
        self._sessions = sessions
        self._run_id = run_id
        self._listener = listener

    def schema(self, plan: Plan, schema: str) -> None:
        """Make the tables what the mapping wants; what checks name without a schema is the star's."""
        run = f"select set_config('engine.run_id', '{self._run_id}', true)"
        search = f"set local search_path = {ident(schema)}, public"
        execute(self._main, "; ".join((run, PLANNING, search))).close()
        for step in plan.schema:
            self._do(step)

    def load(self, plan: Plan, filled: Callable[[str], Staged]) -> None:
        """Load entry after entry, each as soon as its stage is full; `filled` waits for that."""
        staged: dict[str, Staged] = {}
        for step in plan.load:
            if step.reads not in staged:
                staged[step.reads] = _staged(plan, step.reads, filled)
                self._take(staged[step.reads].steps)
            if not spared(step, staged[step.reads].keyless, self.steps):
                self._do(step)

    def _take(self, steps: Iterable[Done]) -> None:
        for done in steps:
            self.steps.append(done)
            self._listener.ended(done)

    def _do(self, step: Step) -> None:
        if isinstance(step, ProveFew):
            self._prove_few(step)
            return
        if isinstance(step, CountHeld | CountInferred):
            say = waiting if isinstance(step, CountHeld) else inferred
            self._notices += say(step.entry, *self._counted(step))
            return
        if isinstance(step, ProveUnique):
            self._prove_unique(step)
            return
        if isinstance(step, Upsert):
            self._upsert(step)
            return
        done = self._timed(step, lambda: count_of(self._main, render(step)))
        if isinstance(step, RejectCheck):
            self._rejected.append((step, done.rows))
        if isinstance(step, CountCircles | CountOrphans) and done.rows:
            self._notices.append(told_of_tree(self._main, step, done.rows))
        if isinstance(step, PROOFS) and done.rows:
            rows = counted(done.rows, "row has a problem: ", "rows have a problem: ")
            what = rows if isinstance(step, ProveFound | ProveOrdinary) else ""
            one = missing_one(self._main, step) if isinstance(step, ProveFound) else ""
            raise CheckFailedError(f"{step.rule.place}: {step.entry}: {what}{step.rule.text}{one}")

    def _upsert(self, step: Upsert) -> None:
        """Do the one step that counts three things; its time is told with the first."""
        row = self._row(step, "updated")
        others = {"inserted": row.inserted, "unchanged": row.total - row.inserted - row.updated}
        self._take(
            Done(step.entry, f"{step.called}, {measure}", measure, int(rows), 0.0)
            for measure, rows in others.items()
        )

    def _prove_unique(self, step: ProveUnique) -> None:
        """Raise CheckFailedError, with one of them, when keys are there more than once."""
        row = self._row(step)
        if keys := int(row.failed):
            many = counted(keys, "key has", "keys have")
            names = ", ".join(step.match).replace("$", "")
            raise CheckFailedError(
                f"{step.rule.place}: {step.entry}: {step.rule.text}: {many} several rows, such as "
                f"({names}) = {row.example}; {MEND}"
            )

    def _proved(self, entry: str) -> bool:
        """Say whether each key of what was read is known to have one row."""
        proofs = (ProveUnique.title, RejectDuplicates.title, CountSeveral.title)
        return any(done.title in proofs for done in self.steps if done.entry == entry)

    def _prove_few(self, step: ProveFew) -> None:
        failed, total = self._counted(step)
        if exceeds(step.tolerance, failed, total):
            share = f", {100 * failed / total:.3g} %" if total else ""
            raise CheckFailedError(
                f"{step.rule.place}: {step.entry}: {failed:,} of {total:,} rows are gone from the source"
                f"{share}: {step.rule.text}"
            )

    def _counted(self, step: Step) -> tuple[int, int]:
        """Do a step that counts two things: what is wrong, and of how many."""
        row = self._row(step)
        return int(row.failed), int(row.total)

    def _each_counted(self, step: CheckRows) -> tuple[tuple[tuple[Check, int], ...], int]:
        """Return each check of rows with the number of those that break it, and of how many."""
        row = self._row(step)
        return tuple(zip(step.checks, row.failed, strict=True)), int(row.total)

    def _row(self, step: Step, counts: str = "failed") -> Row[Any]:
        """Do a step that answers with a row: one column is what it counts, a number or several."""
        seen: list[Row[Any]] = []

        def count() -> int:
            seen.append(execute(self._main, render(step)).one())
            found = getattr(seen[0], counts)
            return sum(found) if isinstance(found, list) else int(found)

        self._timed(step, count)
        return seen[0]

    def _timed(self, step: Step, work: Callable[[], int]) -> Done:
        self._sessions.refuse_when_cancelled()
        self._listener.began(step)
        start = time.perf_counter()
        try:
            rows = work()
        except (DBAPIError, psycopg2.Error) as error:
            self._sessions.refuse_when_cancelled()
            raise failure_of(step, error, proved=self._proved(step.entry)) from error
        done = Done(step.entry, step.called, step.measure, rows, time.perf_counter() - start)
        self.steps.append(done)
        self._listener.ended(done)
        return done

    def check(
        self, plan: Plan, place: Callable[[str], Place], counted: Callable[[str], Done]
    ) -> None:
        """Prove that every row is accounted for and every check holds, or raise CheckFailedError.

        `counted` waits for an entry's own count of the source.
        """
        for entry in plan.entries:
            counts = entry_report(entry, self.steps)
            if counts.read != counts.accounted:
                raise RunError(
                    f"{entry}: {counts.read:,} rows were read but {counts.accounted:,} are accounted for "
                    f"({counts.terms}); nothing was published"
                )
        for step in plan.checks:
            self._check(step, place)
        for entry, check in plan.proved:
            rows = entry_report(entry, self.steps).accounted
            self.verdicts.append(judge(entry, check, 0, rows, _spot(place(check.path))))
        self._judge_rejected()
        for entry, check in plan.source_counts:
            self._take((counted(entry),))
            there, here = self.steps[-1].rows, entry_report(entry, self.steps).accounted
            spot, found = _spot(place(check.path)), of_source(there, here)
            self.verdicts.append(judge(entry, check, abs(there - here), there, spot, found))
        broken = [verdict for verdict in self.verdicts if verdict.status == "fail"]
        if broken:
            lines = "\n".join(check_line(verdict) for verdict in broken)
            raise CheckFailedError(f"{lines}\nnothing was published")

    def _judge_rejected(self) -> None:
        """Judge the checks whose rows are in quarantine: they warn, or fail when it is more than their max.

        A check of several columns has a step for each; a row that one of them took the next does not count.
        """
        for path in dict.fromkeys(step.rule.path for step, _ in self._rejected):
            steps = [step for step, _ in self._rejected if step.rule.path == path]
            count = sum(rows for step, rows in self._rejected if step.rule.path == path)
            entry, check, place = steps[0].entry, steps[0].condition.check, steps[0].rule.place
            read = entry_report(entry, self.steps).read
            broken = check.tolerance != Tolerance() and not tolerated(check, count, read)
            status: Status = "fail" if broken else "warn" if count else "pass"
            name = ", ".join(dict.fromkeys(label(step.condition.check) for step in steps))
            self.verdicts.append(Verdict(entry, name, path, status, count, read, place))

    def _check(self, step: CheckStep | CheckBridge, place: Callable[[str], Place]) -> None:
        said = ""
        if isinstance(step, CheckRows):
            found, total = self._each_counted(step)
        elif spared(step, None, self.steps):
            found, total = ((step.check, 0),), 0
        else:
            row = self._row(step)
            found, total = ((step.check, int(row.failed)),), int(row.total)
            if isinstance(step, CheckRowCount):
                said = of_rows(step.check, total)
            elif isinstance(step, CheckFreshness):
                said = of_age(step.check, row.newest)
        for check, failed in found:
            spot = _spot(place(check.path))
            self.verdicts.append(judge(step.entry, check, failed, total, spot, said))

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
            cursors, highest = entry.source.cursors, stages[entry.name].result().highest
            lows = reading.lows(len(cursors))
            reached = [high or low for high, low in zip(highest, lows, strict=True)]
            high, *further = reached or [None]
            lag = lag_of([each.lag for each in cursors], visible=snapshot.activity.visible)
            mark = Mark(snapshot.activity.moment, high, tuple(further))
            new[entry.name] = advance(before, mark, snapshot.activity, lag)
        new |= dict.fromkeys(_orphaned(loaded.star, world, plan.fingerprints), Progress(None))
        ledger.save_progress(self._main, self._run_id, loaded.star.name, new)
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
        used += [step.gone for step in plan.load if isinstance(step, FindGone)]
        used += [step.line.versions for step in plan.load if isinstance(step, BuildVersions)]
        used += [
            step.stage for step in plan.load if isinstance(step, FillCombinations | FillGroups)
        ]
        used += [step.filled for step in plan.load if isinstance(step, FillDense)]
        trees = [step.tree for step in plan.load if isinstance(step, BuildLinks)]
        used += [stage for tree in trees for stage in (tree.links, tree.closure)]
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


def _orphaned(star: Star, world: World, loaded: Collection[str]) -> Iterator[str]:
    """Find what holds keys of a dimension that this run made anew without it: read it again."""
    for entry in star.entries:
        made = {x.dimension for x in entry.lookups if x.dimension in loaded}
        if entry.name not in loaded and any(world.tables.get(n, TableState()).empty for n in made):
            yield entry.name


def _spot(place: Place) -> str:
    return f"{place.file}:{place.line}:{place.column}" if place.file else ""
