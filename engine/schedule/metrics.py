"""What the schedule measures, for Prometheus. docs/schedule.md lists it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from engine.plan.progress import Progress
from engine.report import COUNTS, Report

# A small star takes a second; a large one may take hours.
SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
STATUSES = ("done", "failed", "locked", "invalid")


class Metrics:
    """The measures of one mapping, in a registry of their own."""

    def __init__(self, mapping: str, now: Callable[[], datetime]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._now = now
        by = {"mapping": mapping}
        runs = Counter(
            "engine_runs", "Runs by how they ended", ["mapping", "status"], registry=registry
        )
        self._runs = {status: runs.labels(mapping, status) for status in STATUSES}
        self._seconds = Histogram(
            "engine_run_seconds",
            "How long runs took, in seconds",
            ["mapping"],
            buckets=SECONDS,
            registry=registry,
        ).labels(**by)
        self._rows = Counter(
            "engine_rows",
            "Rows of runs that were published, by dimension or fact and by what became of them",
            ["mapping", "entry", "count"],
            registry=registry,
        )
        self._checks = Counter(
            "engine_checks", "Checks by their verdict", ["mapping", "status"], registry=registry
        )
        self._missed = Counter(
            "engine_missed_runs",
            "Moments that passed without a run",
            ["mapping"],
            registry=registry,
        ).labels(**by)
        self._lag = Gauge(
            "engine_watermark_lag_seconds",
            "Age of the watermark: what was committed in the source before it is loaded",
            ["mapping", "entry"],
            registry=registry,
        )
        self._mapping = mapping
        self.in_progress = self._gauge("engine_run_in_progress", "Whether a run is in flight")
        self.last_run = self._gauge(
            "engine_last_run_timestamp_seconds", "When the last run ended, as a Unix time"
        )
        self.last_success = self._gauge(
            "engine_last_success_timestamp_seconds",
            "When the last run that was published ended, as a Unix time",
        )
        self.next_run = self._gauge(
            "engine_next_run_timestamp_seconds", "When the next run is due, as a Unix time"
        )

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(name, what, ["mapping"], registry=self.registry).labels(self._mapping)

    def missed(self, moments: int) -> None:
        """Count moments that passed without a run of their own."""
        self._missed.inc(moments)

    def ended(self, status: str, seconds: float) -> None:
        """Count a run."""
        self._runs[status].inc()
        self.last_run.set(self._now().timestamp())
        if status in ("done", "failed"):
            self._seconds.observe(seconds)

    def reported(self, report: Report) -> None:
        """Count what a run did; the rows of one that failed are not in the star."""
        for verdict in report.checks:
            self._checks.labels(self._mapping, verdict.status).inc()
        if report.status == "done":
            self.last_success.set(self._now().timestamp())
            for entry in report.entries:
                for count in COUNTS:
                    self._rows.labels(self._mapping, entry.name, count).inc(getattr(entry, count))

    def reached(self, progress: Mapping[str, Progress]) -> None:
        """Remember the watermarks; their age is computed whenever somebody asks."""
        for entry, reached in progress.items():
            if reached.settled:
                moment = reached.settled.moment / 1_000_000

                def age(moment: float = moment) -> float:
                    return max(self._now().timestamp() - moment, 0.0)

                self._lag.labels(self._mapping, entry).set_function(age)
