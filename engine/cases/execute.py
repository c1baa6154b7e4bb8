"""A case is carried out: on fresh databases, step by step, to the first step that fails."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

from psycopg2 import extensions

from engine.cases.compare import Comparer
from engine.cases.match import ANY, UNNAMED, compare
from engine.cases.model import Case, Expect, ExpectedTable, Step
from engine.cases.result import Failure, Result
from engine.cases.servers import Pair, Servers, connect
from engine.cases.write import NotWrittenError, write
from engine.errors import EngineError
from engine.listener import Silent
from engine.mapping.model import Star
from engine.report import EntryReport, Report
from engine.run import Options, run
from engine.settings import settings_for

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
REASON = "reason"


class Ear(Silent):
    """Keeps the report of a run, failed or not."""

    report: Report | None = None

    def finished(self, report: Report) -> None:
        """Keep it."""
        self.report = report


def execute(case: Case, servers: Servers) -> Result:
    """Carry out a case; what is wrong with its set-up is raised, all else is in the result."""
    started = time.perf_counter()
    failures: list[Failure] = []
    with servers.fresh(case.setup) as pair:
        for at, step in enumerate(case.steps, 1):
            failures += _step(case, step, pair, f"step {at}" if len(case.steps) > 1 else "")
            if failures:
                break
    seconds = round(time.perf_counter() - started, 3)
    return Result(case.name, case.place, seconds, tuple(failures))


def _step(case: Case, step: Step, pair: Pair, title: str) -> Iterator[Failure]:
    prefix = ", ".join(part for part in (title, step.name) if part)
    for failure in _outcome(case, step, pair):
        what = f"{prefix}: {failure.what}" if prefix else failure.what
        yield Failure(failure.place, what, failure.columns, failure.lines)


def _outcome(case: Case, step: Step, pair: Pair) -> Iterator[Failure]:
    pair.set_now(step.at)
    try:
        write(pair.source, step)
    except NotWrittenError as error:
        problem = error.problem
        yield Failure(
            problem.where, f"{problem.what} ({problem.hint})" if problem.hint else problem.what
        )
        return
    star = case.loaded.star
    environ = {
        f"{connection.env}_URL": (
            pair.warehouse if connection.name == "warehouse" else pair.source
        ).url()
        for connection in star.connections
    }
    settings = settings_for(star.connections, environ)
    ear, run_id, code, said = Ear(), uuid.uuid4(), 0, ""
    try:
        run(case.loaded, settings, Options(step.select, step.full_refresh, step.span), ear, run_id)
    except EngineError as error:
        code, said = error.exit_code, str(error)
    ended = list(_ended(step.expect, code, said))
    yield from ended
    if not ended:
        yield from _looked(star, step.expect, pair, ear.report, run_id)


def _ended(expect: Expect, code: int, said: str) -> Iterator[Failure]:
    """Compare how the run ended."""
    if code != expect.exit:
        message = f": {said}" if said else ""
        yield Failure(
            expect.place,
            f"the run ended with exit code {code}, {expect.exit} is expected{message}",
        )
    elif expect.error and expect.error not in said:
        yield Failure(
            expect.place, f"the run did not say '{expect.error}', but: {said or 'nothing'}"
        )


def _looked(
    star: Star, expect: Expect, pair: Pair, report: Report | None, run_id: uuid.UUID
) -> Iterator[Failure]:
    """Compare the star, the report and the quarantine."""
    with closing(connect(pair.warehouse.admin_url())) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("set timezone = 'UTC'; set extra_float_digits = 1")
            comparer = Comparer(star, cursor)
            for table in expect.tables:
                yield from comparer.failures(table)
            yield from _counts(expect, report)
            yield from _checks(expect, report)
            for table in expect.rejected:
                yield from _rejected(cursor, table, run_id)


def _counts(expect: Expect, report: Report | None) -> Iterator[Failure]:
    entries = {entry.name: entry for entry in report.entries} if report else {}
    for count in expect.counts:
        found = getattr(entries.get(count.entry, EntryReport(count.entry)), count.name)
        if found != count.number:
            what = f"{count.entry}: {count.name} is {found:,} in the report, {count.number:,} is expected"
            yield Failure(count.place, what)


def _checks(expect: Expect, report: Report | None) -> Iterator[Failure]:
    """Compare the checks that do not pass: those that are expected, and no others."""
    if expect.checks is None:
        return
    verdicts = report.checks if report else ()
    broken = {(v.entry, v.check): v for v in verdicts if v.status != "pass"}
    for check in expect.checks:
        verdict = broken.pop((check.entry, check.name), None)
        found = verdict.failed if verdict else 0
        if found != check.number:
            rows = "row is" if check.number == 1 else "rows are"
            yield Failure(
                check.place,
                f"{check.entry}: {check.number:,} {rows} expected to break '{check.name}', {found:,} do",
            )
    for entry, name in broken:
        verdict = broken[entry, name]
        said = f"and {verdict.status}s: {verdict.found or f'{verdict.failed:,} rows break it'}"
        yield Failure(expect.place, f"{entry}: check '{name}' is expected to pass, {said}")


def _rejected(
    cursor: extensions.cursor, table: ExpectedTable, run_id: uuid.UUID
) -> Iterator[Failure]:
    """Compare the rows that a run put into quarantine, as JSON has them."""
    cursor.execute(
        "select row, reason from engine.reject where run_id = %s and entry = %s order by reject_id",
        [str(run_id), table.name],
    )
    kept = cursor.fetchall()
    rows = table.rows or ()
    names = tuple(dict.fromkeys(name for row in rows for name in row.columns)) or (REASON,)
    known = {name for row, _ in kept for name in row}
    for row in rows:
        for name, cell in row.cells:
            if kept and name != REASON and name not in known:
                yield Failure(cell.place, f"a rejected row of {table.name} has no column '{name}'")
                return
    reasons = [cell.text for row in rows for name, cell in row.cells if name == REASON]
    found = [
        [_reason(why, reasons) if name == REASON else _plain(row.get(name)) for name in names]
        for row, why in kept
    ]
    cells = [dict(row.cells) for row in rows]
    wanted: list[list[object]] = [
        [
            UNNAMED if name not in row else ANY if row[name].any else _plain(row[name].text)
            for name in names
        ]
        for row in cells
    ]
    lines = compare(wanted, found, all_rows=True)
    if lines:
        yield Failure(table.place, f"{table.name}: other rows were rejected", names, lines)


def _reason(why: str, expected: list[str | None]) -> str:
    """Return the part of a reason that is expected, or the whole."""
    return next((part for part in expected if part and part in why), why)


def _plain(value: object) -> str | None:
    """Return a value of JSON as text; numbers without zeros at the end."""
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return format(Decimal(text).normalize(), "f") if NUMBER.fullmatch(text) else text
