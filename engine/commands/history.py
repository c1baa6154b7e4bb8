"""engine history: past runs, from the warehouse's ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from engine import retry
from engine.commands.wire import WAREHOUSE, environment, log_to_stderr
from engine.database.connect import Sessions, engine_for
from engine.database.failure import sentence
from engine.database.history import Past, mappings
from engine.database.history import history as past_runs
from engine.errors import RunError, did_you_mean
from engine.report import table_lines
from engine.settings import ConnectionSettings, settings_for

Found = tuple[tuple[Past, ...], tuple[str, ...]]
COUNTS = ("read", "inserted", "updated", "unchanged", "rejected")
FURTHER = ("held", "released", "filled")  # without which those do not add up, where there are any


def history(mapping: str | None, limit: int, report: str, *, folder: Path | None) -> None:
    """Print the newest runs, newest first."""
    log_to_stderr()
    with environment(folder) as environ:
        settings = settings_for(WAREHOUSE, environ)["warehouse"]
        runs, known = read(settings, mapping, limit)
    if report == "json":
        rows = [asdict(run) | {"started_at": run.started_at.isoformat()} for run in runs]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif not runs:
        click.echo(_nothing(mapping, known))
    else:
        click.echo("\n".join(lines(runs)))


def read(settings: ConnectionSettings, mapping: str | None, limit: int) -> Found:
    """Return the newest runs, newest first, and the mappings that were ever run.

    RunError when the warehouse cannot be asked, after some tries.
    """
    return retry.retrying("reading the history")(_read_once, settings, mapping, limit)


def _read_once(settings: ConnectionSettings, mapping: str | None, limit: int) -> Found:
    with Sessions() as sessions:
        connection = sessions.connect(engine_for(settings, read_only=True), autocommit=True)
        try:
            return past_runs(connection, mapping, limit), mappings(connection)
        except DBAPIError as error:
            raise RunError(sentence(error), transient=retry.is_transient(error)) from error


def _nothing(mapping: str | None, known: tuple[str, ...]) -> str:
    if mapping is None or not known:
        return "no runs yet"
    hint = did_you_mean(mapping, known)
    return f"no runs of a mapping named '{mapping}'" + (f" ({hint})" if hint else "")


def _published(run: Past, count: str) -> int:
    """Return a count of a run; what a failed one counted, it did not publish."""
    return run.counts.get(count, 0) if run.status == "done" else 0


def lines(runs: tuple[Past, ...]) -> list[str]:
    """Return the runs as a table, the errors below it."""
    more = (name for name in FURTHER if any(_published(run, name) for run in runs))
    shown = (*COUNTS, *more)
    head = ["started (UTC)", "mapping", "status", "seconds", *shown, "warnings", "failures"]
    body = [
        [
            f"{run.started_at:%Y-%m-%d %H:%M:%S}",
            run.mapping,
            run.status,
            "" if run.seconds is None else f"{run.seconds:.2f}",
            *(f"{_published(run, name):,}" if run.status == "done" else "" for name in shown),
            str(run.warnings),
            str(run.failures),
        ]
        for run in runs
    ]
    errors = [
        f"{run.started_at:%Y-%m-%d %H:%M:%S} {line}"
        for run in runs
        for line in (run.error or "").splitlines()
        if line.strip()
    ]
    return table_lines([head, *body]) + errors
