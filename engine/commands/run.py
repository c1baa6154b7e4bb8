"""engine run: load the star and say what happened."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from engine.commands.choice import Choice
from engine.commands.wire import cache_of, configured, connected, selected
from engine.errors import LateInterruptError, OutputError
from engine.logs import bound
from engine.mapping.load import load
from engine.plan.steps import Done, Step
from engine.report import Report, as_json, as_text, notes
from engine.run import Listener, Options
from engine.run import run as do_run
from engine.steplog import Log


class Outcome:
    """Passes all that it hears on to another listener, and adds the report to those that are kept."""

    def __init__(self, to: Listener, reports: list[Report]) -> None:
        self.began, self.ended = to.began, to.ended
        self.expects, self.arrived = to.expects, to.arrived
        self._to = to
        self._reports = reports

    def finished(self, report: Report) -> None:
        """Keep the report."""
        self._reports.append(report)
        self._to.finished(report)


def run(
    path: Path,
    overrides: Mapping[str, str],
    choice: Choice,
    log: Mapping[str, str | None],
    *,
    report: str,
    folder: Path | None,
) -> None:
    """Run a mapping; the report goes to stdout, progress and logs to stderr."""
    loaded = load(path, overrides)
    options = Options(selected(loaded.star, choice), *choice.how)
    run_id = uuid.uuid4()
    cache = cache_of(loaded.star)
    reports: list[Report] = []
    with _truthful(reports):
        try:
            with (
                connected(loaded.star, folder, options.select) as settings,
                listening(log) as listener,
                bound(run_id=str(run_id), mapping=loaded.star.name),
            ):
                do_run(loaded, settings, options, Outcome(listener, reports), run_id, cache)
        except BaseException:  # told when the display is gone, which would wipe it
            with suppress(OSError):  # why the run failed is to be heard in any case
                if reports and report == "json":
                    click.echo(as_json(reports[-1]))
                elif reports and reports[-1].notices:
                    click.echo("\n".join(notes(reports[-1])), err=True)
            raise
        for each in reports:
            _tell(as_json(each) if report == "json" else as_text(each))


@contextmanager
def _truthful(reports: list[Report]) -> Iterator[None]:
    """Let an interrupt that comes after the report of what was published deny nothing."""
    try:
        yield
    except KeyboardInterrupt:
        if any(report.status == "done" for report in reports):
            raise LateInterruptError from None
        raise


def _tell(report: str) -> None:
    """Print the report of a run that is done."""
    try:
        click.echo(report)
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise OutputError(
            f"the star was published, but the report could not be written: {reason}; "
            "`engine history` lists the run"
        ) from error


class Both:
    """Passes all that it hears on to two listeners."""

    def __init__(self, one: Listener, other: Listener) -> None:
        self._to = (one, other)

    def began(self, step: Step) -> None:
        """Pass it on."""
        for each in self._to:
            each.began(step)

    def ended(self, done: Done) -> None:
        """Pass it on."""
        for each in self._to:
            each.ended(done)

    def expects(self, entry: str, rows: int) -> None:
        """Pass it on."""
        for each in self._to:
            each.expects(entry, rows)

    def arrived(self, entry: str, rows: int) -> None:
        """Pass it on."""
        for each in self._to:
            each.arrived(entry, rows)

    def finished(self, report: Report) -> None:
        """Pass it on."""
        for each in self._to:
            each.finished(report)


@contextmanager
def listening(options: Mapping[str, str | None]) -> Iterator[Listener]:
    """Give the listener that suits: a display on a terminal, a log of steps anywhere else and in LOG_FILE."""
    form, file = configured(options, terminal=sys.stderr.isatty())
    if form == "text" and sys.stderr.isatty():
        # The display's library is slow to import, and a scheduled run has no use for it.
        from rich.console import Console

        from engine.display import Terminal

        with Terminal(Console(stderr=True)) as terminal:
            yield Both(terminal, Log(file_only=True)) if file else terminal
    else:
        yield Log()
