"""The door to the cases of a mapping: from the path of a file to cases, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

from engine.cases.expect_from import ExpectReader
from engine.cases.model import Case, Change, Kind, Setup, SourceTable, Step
from engine.cases.rows import RowReader
from engine.errors import ArgumentError, did_you_mean, refuse
from engine.mapping.deviations import deviations
from engine.mapping.document import Document
from engine.mapping.load import Loaded, load
from engine.mapping.read import read
from engine.mapping.scalars import Plain
from engine.mapping.values import listed
from engine.plan.span import Span, span_from

SUFFIX = ".tests.yml"
MOST_NAMES = 20  # of cases, in a message
CHANGES = ("insert", "update", "delete", "sql")


def beside(mapping: Path) -> Path:
    """Return the file of a mapping's cases: star.tests.yml for star.yml."""
    return mapping.with_name(mapping.stem + SUFFIX)


def load_suite(path: Path, mapping: Path) -> tuple[Case, ...]:
    """Return the cases of a file; raise MappingError with all problems of it, or of the mapping."""
    document, repeated = read(path)
    refuse([*repeated, *(each.problem for each in deviations(document, package=__package__))])
    suite = _Suite(path, mapping, document, RowReader(document))
    data = document.data
    cases = tuple(suite.case(f"cases.{at}", case) for at, case in enumerate(data["cases"]))
    names = [case.name for case in cases]
    for at, name in enumerate(names):
        if name in names[:at]:
            suite.problem(f"cases.{at}.name", f"a case is called '{name}' already")
    refuse(dict.fromkeys(suite.reader.problems))
    return cases


@dataclass
class _Suite:
    """Turns the data of a file into cases; the reader collects what is wrong."""

    path: Path
    mapping: Path
    document: Document
    reader: RowReader
    loaded: dict[tuple[tuple[str, str], ...], Loaded] = field(default_factory=dict)

    def problem(self, path: str, what: str, hint: str = "") -> None:
        """Keep a problem at its place."""
        self.reader.problems.append(self.document.problem(path, what, hint))

    def case(self, path: str, data: Mapping[str, Plain]) -> Case:
        """Return one case."""
        loaded = self._loaded(path, data)
        return Case(
            name=data["name"],
            place=self.document.place(path),
            loaded=loaded,
            setup=self._setup(path, data),
            steps=tuple(
                self._step(f"{path}.steps.{at}", step, loaded)
                for at, step in enumerate(data["steps"])
            ),
        )

    def _loaded(self, path: str, data: Mapping[str, Plain]) -> Loaded:
        """Return the mapping with the vars of a case; what is wrong with the mapping ends all."""
        given = {name: f"vars.{name}" for name in self.document.data.get("vars", {})}
        given |= {name: f"{path}.vars.{name}" for name in data.get("vars", {})}
        values = {name: _as_typed(self.document, at) for name, at in given.items()}
        plain = load(self.mapping) if () not in self.loaded else self.loaded[()]
        self.loaded[()] = plain
        known = plain.document.data.get("vars") or {}
        for name in [name for name in values if name not in known]:
            self.problem(given[name], f"the mapping has no var '{name}'", did_you_mean(name, known))
            del values[name]
        key = tuple(sorted(values.items()))
        if key not in self.loaded:
            self.loaded[key] = load(self.mapping, values)
        return self.loaded[key]

    def _setup(self, path: str, data: Mapping[str, Plain]) -> Setup:
        own = "source" in data or "tables" in data
        at, origin = (f"{path}.", data) if own else ("", self.document.data)
        return Setup(
            source=self._files(f"{at}source", origin.get("source")),
            tables=tuple(
                SourceTable(name, tuple(columns.items()), self.document.place(f"{at}tables.{name}"))
                for name, columns in origin.get("tables", {}).items()
            ),
            warehouse=self._files("warehouse", self.document.data.get("warehouse")),
        )

    def _files(self, path: str, data: Plain) -> tuple[Path, ...]:
        files = []
        for at, name in enumerate(listed(data) if data else ()):
            file = self.path.parent / name
            if not file.is_file():
                item = self.document.item_path(path, name, at)
                self.problem(
                    item, f"there is no file '{file}'", "paths begin at this file's folder"
                )
            files.append(file)
        return tuple(files)

    def _step(self, path: str, data: Mapping[str, Plain], loaded: Loaded) -> Step:
        how = data.get("run", {})
        reader = ExpectReader(self.reader, loaded.star)
        return Step(
            place=self.document.place(path),
            name=data.get("name", ""),
            changes=tuple(
                change
                for kind in data
                if kind in CHANGES
                for change in self._changes(path, cast(Kind, kind), data[kind])
            ),
            expect=reader.expect(f"{path}.expect", data.get("expect", {})),
            at=self._at(f"{path}.at", data.get("at", "")),
            select=reader.selected(f"{path}.run.select", listed(how.get("select", []))),
            full_refresh=how.get("full_refresh", False),
            span=self._span(f"{path}.run", how),
        )

    def _changes(self, path: str, kind: Kind, value: Plain) -> Iterator[Change]:
        below, place = f"{path}.{kind}", self.document.place
        if kind == "sql":
            yield Change("sql", place(below), sql=value)
            return
        for table, rows in value.items():
            at = f"{below}.{table}"
            yield Change(kind, place(at), table, self.reader.rows(at, rows))

    def _span(self, path: str, how: Mapping[str, Plain]) -> Span | None:
        """Return the days that a run is for, as the command line would take them."""
        try:
            return span_from(
                how.get("from"), how.get("to"), full_refresh=how.get("full_refresh", False)
            )
        except ArgumentError as error:
            self.problem(path, str(error))
            return None

    def _at(self, path: str, text: str) -> str:
        """Return a time as the servers take it, UTC where it says no zone."""
        if not text:
            return ""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.problem(path, f"'{text}' is no time", "such as 2026-01-31 or 2026-01-31 09:30:00")
            return ""
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _as_typed(document: Document, path: str) -> str:
    """Return a value as `--var` takes it: what is quoted in the file is quoted there."""
    span = document.spans[path]
    text = span.text or ""
    return "'" + text.replace("'", "''") + "'" if span.style else text


def selected(cases: tuple[Case, ...], pattern: str) -> tuple[Case, ...]:
    """Return the cases whose name has a text in it, or fits a pattern with *; ArgumentError for none."""
    low = pattern.lower() if "*" in pattern else f"*{pattern.lower()}*"
    found = tuple(case for case in cases if fnmatchcase(case.name.lower(), low))
    if not found:
        names = [case.name for case in cases]
        hint = did_you_mean(pattern, names)
        what = f"-k: no case is called '{pattern}'"
        if hint.startswith("did"):
            raise ArgumentError(f"{what} ({hint})")
        # A name is a sentence, which may have a comma in it: each on a line of its own.
        known = [f"\n  {name}" for name in names[:MOST_NAMES]]
        more = len(names) - len(known)
        raise ArgumentError(
            f"{what}; known:" + "".join(known) + (f"\n  and {more} more" * (more > 0))
        )
    return found
