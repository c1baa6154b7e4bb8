"""A follower of a run for people: what is being done, and how many rows have come, on a terminal."""

from __future__ import annotations

import threading
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from engine.plan.steps import Done, Step
from engine.report import Report


class Terminal:
    """Shows on a terminal what is being done and how many rows have come, and wipes it at the end."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.fields[detail]}", justify="right"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._expected: dict[str, int] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> Terminal:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def began(self, step: Step) -> None:
        """Show the step in the line of its entry."""
        self._show(step.entry or "schema", step.called, "")

    def ended(self, done: Done) -> None:
        """Show the count of the step."""
        self._show(done.entry or "schema", done.title, f"{done.rows:,} rows")

    def expects(self, entry: str, rows: int) -> None:
        """Keep in mind how many rows are to come."""
        self._expected[entry] = rows

    def arrived(self, entry: str, rows: int) -> None:
        """Show how many rows have arrived, how many come in a second, and how long the others will take."""
        with self._guard:
            task = self._tasks.get(entry)
            elapsed = self._progress.tasks[task].elapsed if task is not None else None
        rate = f", {rows / elapsed:,.0f} rows/s" if elapsed else ""
        expected = self._expected.get(entry, 0)
        of = (
            f" of about {expected:,}" if expected > rows else ""
        )  # a guess that was too low says nothing
        left = ""
        if of and elapsed and rows:
            left = f", {timedelta(seconds=round((expected - rows) * elapsed / rows))} left"
        self._show(entry, "copy", f"{rows:,}{of} rows{rate}{left}")

    def finished(self, report: Report) -> None:
        """Do nothing: the table follows on stdout."""

    def _show(self, entry: str, title: str, detail: str) -> None:
        with self._guard:
            if entry not in self._tasks:
                self._tasks[entry] = self._progress.add_task("", detail="")
            self._progress.update(
                self._tasks[entry], description=f"{entry}: {title}", detail=detail
            )
