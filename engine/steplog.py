"""A follower of a run for machines: a line of log for each step."""

from __future__ import annotations

import logging

from engine.logs import FILE_ONLY
from engine.plan.steps import Done, Step
from engine.report import Report

logger = logging.getLogger("engine.run")


class Log:
    """Writes a line for each step that ends, with its rows and seconds, and one for the run.

    With `file_only`, standard error has a display that shows the same, and the lines are for LOG_FILE alone.
    """

    def __init__(self, *, file_only: bool = False) -> None:
        self._where = {FILE_ONLY: file_only}

    def began(self, step: Step) -> None:
        """Say at debug level what is being done now."""
        logger.debug(
            "begin %s", step.called, extra={"step": f"{step.entry}: {step.called}", **self._where}
        )

    def ended(self, done: Done) -> None:
        """Say what a step did."""
        logger.info(
            "%s",
            done.title,
            extra={
                "step": f"{done.entry}: {done.title}" if done.entry else done.title,
                "rows": done.rows,
                "seconds": round(done.seconds, 4),
                **self._where,
            },
        )

    def expects(self, entry: str, rows: int) -> None:
        """Do nothing: a log has the true number in a moment."""

    def arrived(self, entry: str, rows: int) -> None:
        """Say how many rows have arrived."""
        logger.info("rows arriving", extra={"step": f"{entry}: copy", "rows": rows, **self._where})

    def finished(self, report: Report) -> None:
        """Say how the run ended."""
        level = logging.INFO if report.status == "done" else logging.ERROR
        rows = sum(entry.read for entry in report.entries)
        extra = {"rows": rows, "seconds": report.seconds, **self._where}
        error = f": {report.error}" if report.error else ""
        logger.log(level, "run %s%s", report.status, error, extra=extra)
