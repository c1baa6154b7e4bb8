"""A follower of a run for machines: a line of log for each step."""

from __future__ import annotations

import logging

from engine.plan.steps import Done, Step
from engine.report import Report

logger = logging.getLogger("engine.run")


class Log:
    """Writes a line for each step that ends, with its rows and seconds, and one for the run."""

    def began(self, step: Step) -> None:
        """Say at debug level what is being done now."""
        logger.debug("begin %s", step.title, extra={"step": f"{step.entry}: {step.title}"})

    def ended(self, done: Done) -> None:
        """Say what a step did."""
        logger.info(
            "%s",
            done.title,
            extra={
                "step": f"{done.entry}: {done.title}" if done.entry else done.title,
                "rows": done.rows,
                "seconds": round(done.seconds, 4),
            },
        )

    def arrived(self, entry: str, rows: int) -> None:
        """Say how many rows have arrived."""
        logger.info("rows arriving", extra={"step": f"{entry}: copy", "rows": rows})

    def finished(self, report: Report) -> None:
        """Say how the run ended."""
        level = logging.INFO if report.status == "done" else logging.ERROR
        extra = {"rows": sum(entry.read for entry in report.entries), "seconds": report.seconds}
        error = f": {report.error}" if report.error else ""
        logger.log(level, "run %s%s", report.status, error, extra=extra)
