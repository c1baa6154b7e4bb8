"""Little stars as plain data, and a way to run them on the databases of one test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.mapping.load import Loaded, load
from engine.plan.steps import Done, Plan, Step
from engine.report import COUNTS, EntryReport, Report
from engine.run import Listener, Options, plan, run
from engine.settings import ConnectionSettings, settings_for
from tests.conftest import ROOT, Databases, Row, connect, query

STAR = ROOT / "mappings/star.yml"
Entry = dict[str, Any]
OF_SOURCE = ("parallel", "cursor", "dedupe", "allow_empty", "connection", "range")
UNKNOWN = {"unknown": {"key": -1}}


def star(name: str = "little", **entries: Entry) -> Entry:
    """Return a mapping; what is called dim_… is a dimension, all else a fact."""
    dimensions = {n: entry for n, entry in entries.items() if n.startswith("dim_")}
    facts = {n: entry for n, entry in entries.items() if n not in dimensions}
    return {"version": 1, "name": name, "dimensions": dimensions, "facts": facts}


def dimension(query: str, columns: str | Entry = "id name", **more: Any) -> Entry:
    """Return a dimension; the first column is its natural key unless another is given."""
    names = _columns(columns)
    first = {"key": "key", "natural_key": next(iter(names)), "columns": names}
    return first | _entry(query, more)


def fact(query: str, columns: str | Entry = "id amount", **more: Any) -> Entry:
    """Return a fact; the first column is its grain unless another is given."""
    names = _columns(columns)
    return {"grain": next(iter(names)), "columns": names} | _entry(query, more)


def _columns(columns: str | Entry) -> Entry:
    return dict.fromkeys(columns.split()) if isinstance(columns, str) else columns


def _entry(query: str, more: Mapping[str, Any]) -> Entry:
    source = {"query": query, **{k: v for k, v in more.items() if k in OF_SOURCE}}
    return {"source": source, **{k: v for k, v in more.items() if k not in OF_SOURCE}}


@dataclass
class Stars:
    """Runs mappings on one test's own source and warehouse."""

    databases: Databases
    folder: Path

    def load(self, mapping: Entry | Path) -> Loaded:
        """Load a mapping: a file, or plain data, which is written to one first."""
        return load(mapping if isinstance(mapping, Path) else self.write(mapping))

    def write(self, mapping: Entry) -> Path:
        """Write a mapping to its file and return the path."""
        path = self.folder / f"{mapping['name']}.yml"
        path.write_text(yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True), "utf-8")
        return path

    def settings(
        self, loaded: Loaded, environment: Mapping[str, str]
    ) -> dict[str, ConnectionSettings]:
        """Return the settings of a mapping's connections: the test's databases, or others."""
        return settings_for(loaded.star.connections, {**self.databases.environment, **environment})

    def run(
        self,
        mapping: Entry | Path,
        *select: str,
        full_refresh: bool = False,
        listener: Listener | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Report:
        """Run a mapping, all of it or the entries that are named."""
        loaded = self.load(mapping)
        options = Options(select, full_refresh)
        return run(loaded, self.settings(loaded, environment or {}), options, listener)

    def plan(self, mapping: Entry | Path, *select: str, full_refresh: bool = False) -> Plan:
        """Plan a run of a mapping."""
        loaded = self.load(mapping)
        return plan(loaded, self.settings(loaded, {}), Options(select, full_refresh))[0]

    def source(self, sql: str) -> list[Row]:
        """Run SQL in the source, as those do who write there."""
        return query(self.databases.source_admin_url, sql)

    def warehouse(self, sql: str) -> list[Row]:
        """Run SQL in the warehouse, as the engine's own role."""
        return query(self.databases.warehouse_url, sql)

    def column(self, sql: str) -> list[Any]:
        """Run SQL in the warehouse and return its only column."""
        return [value for (value,) in self.warehouse(sql)]

    def engine(
        self,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line, from the folder of the test or another one."""
        return subprocess.run(
            [sys.executable, "-m", "engine", *map(str, arguments)],
            env=self.environment(environment),
            cwd=folder or self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start the command line and do not wait for its end."""
        return subprocess.Popen(
            [sys.executable, "-m", "engine", *map(str, arguments)],
            env=self.environment(environment),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        """Return the environment of the command line: the test's databases, and no one else's."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("SOURCE_", "WAREHOUSE_"))}
        return {**own, "PYTHONPATH": str(ROOT), **self.databases.environment, **(more or {})}

    def execute_outside(self, url: str, sql: str) -> None:
        """Run a statement that no transaction may hold."""
        with closing(connect(url, autocommit=True)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)


class Hook:
    """A listener that calls a function as soon as a step of a kind begins, the first time only."""

    def __init__(self, kind: type[Step], entry: str, act: Any) -> None:
        self.kind, self.entry, self.act = kind, entry, act
        self.done = False
        self.report: Report | None = None

    def began(self, step: Step) -> None:
        if isinstance(step, self.kind) and step.entry == self.entry and not self.done:
            self.done = True
            self.act()

    def ended(self, done: Done) -> None:
        pass

    def expects(self, entry: str, rows: int) -> None:
        pass

    def arrived(self, entry: str, rows: int) -> None:
        pass

    def finished(self, report: Report) -> None:
        self.report = report


def entry_of(report: Report, name: str) -> EntryReport:
    """Return what a run did to one dimension or fact."""
    return {entry.name: entry for entry in report.entries}[name]


def counts(report: Report, name: str) -> dict[str, int]:
    """Return the counts of an entry that are not zero."""
    entry = entry_of(report, name)
    return {count: getattr(entry, count) for count in COUNTS if getattr(entry, count)}


def verdicts(report: Report) -> dict[str, tuple[str, int]]:
    """Return the status and the broken rows of each check, by its name."""
    return {check.check: (check.status, check.failed) for check in report.checks}


def notices(report: Report) -> str:
    """Return all that a run has to say, in one text."""
    return "\n".join(f"{notice.entry}: {notice.text}" for notice in report.notices)


def untouched(stars: Stars, schema: str = "public") -> dict[str, list[Row]]:
    """Return every row of a schema with its place and its writer, and every sequence: to compare.

    A row that is written again, even as it was, gets another place and another writer.
    """
    found = stars.warehouse(
        "SELECT relname, relkind::text FROM pg_class "
        f"WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'S') ORDER BY 1"
    )
    said = {
        "r": "SELECT ctid::text, xmin::text, t::text FROM {name} AS t ORDER BY 1",
        "S": "SELECT last_value, is_called FROM {name}",
    }
    return {
        name: stars.warehouse(said[kind].format(name=f'"{schema}"."{name}"'))
        for name, kind in found
    }
