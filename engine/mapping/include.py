"""A mapping and all that it includes, as one document; a name is defined in one place only."""

from __future__ import annotations

import os.path
from dataclasses import field, replace
from glob import glob, has_magic
from pathlib import Path

from engine.errors import MappingError, Problem
from engine.mapping.deviations import deviations
from engine.mapping.document import Deviation, Document, Span
from engine.mapping.read import read
from engine.mapping.scalars import Plain
from engine.values import dataclass

MAX_FILES = 500
MAX_LEVELS = 20
AUDIT = "audit"
SECTIONS = ("vars", "connections", "dimensions", "facts", "aggregates")


@dataclass(frozen=True, slots=True)
class Whole:
    """A document of one file or many, and what is wrong with the files and with their shape."""

    document: Document
    problems: tuple[Problem, ...]
    deviations: tuple[Deviation, ...]


def read_all(path: Path) -> Whole:
    """Read a file and all that it includes; raise MappingError if one cannot be used at all."""
    reader = _Reader()
    document = reader.read(path, str(path), (), {})
    if document is None or reader.unusable:
        shape = [deviation.problem for deviation in reader.deviations]
        raise MappingError([*reader.unusable, *reader.problems, *shape])
    merged = _Merge(document)
    for part in reader.parts:
        merged.add(part)
    document = Document(document.file, merged.data, merged.spans)
    found = list(reader.deviations)
    if not found and not any(document.data.get(name) for name in ("dimensions", "facts")):
        what = "there is no dimension and no fact"
        found.append(Deviation(document.problem("", what, "add dimensions: or facts:"), ()))
    return Whole(document, (*reader.problems, *merged.problems), tuple(found))


@dataclass
class _Reader:
    """Reads the files, each once, however many ways lead to it."""

    parts: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    deviations: list[Deviation] = field(default_factory=list)
    unusable: list[Problem] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)
    _full: bool = False

    def read(
        self, path: Path, shown: str, above: tuple[Path, ...], said: dict[str, Plain]
    ) -> Document | None:
        """Read one file and what it includes; None when it cannot be used.

        `said` is the `audit` of the files above it, of which the nearest one counts.
        """
        real = Path(os.path.realpath(path))
        self._seen.add(real)
        try:
            document, problems = read(path, shown)
        except MappingError as error:
            self.unusable += error.problems
            return None
        self.problems += problems
        found = deviations(document, part=bool(above))
        self.deviations += found
        broken = {deviation.keys[0] for deviation in found if deviation.keys}
        if AUDIT in document.data and AUDIT not in broken:
            said = {AUDIT: document.data[AUDIT]}
        if "include" not in broken:
            self._include(document, path, shown, (*above, real), said)
        return _audited(document, said) if above else document

    def _include(
        self,
        document: Document,
        path: Path,
        shown: str,
        above: tuple[Path, ...],
        said: dict[str, Plain],
    ) -> None:
        given = document.data.get("include", [])
        for at, pattern in enumerate(given if isinstance(given, list) else [given]):
            where = f"include.{at}" if isinstance(given, list) else "include"
            names = self._names(document, where, pattern, path.parent)
            for name in names:
                target = path.parent / name
                real = Path(os.path.realpath(target))
                if real in above:
                    self._cycle(document, where, above[above.index(real) :])
                elif real not in self._seen and self._room(document, where, len(above)):
                    seen_as = os.path.normpath(Path(shown).parent / name)
                    part = self.read(target, seen_as, above, said)
                    if part is not None:
                        self.parts.append(part)

    def _names(self, document: Document, where: str, pattern: str, folder: Path) -> list[str]:
        if Path(pattern).is_absolute():
            what = f"the path {pattern} is absolute"
            self.problems.append(document.problem(where, what, "write it relative to this file"))
            return []
        if (folder / pattern).is_dir():
            what, hint = f"{pattern} is a folder", f"write {pattern.rstrip('/')}/*.yml"
            self.problems.append(document.problem(where, what, hint))
            return []
        if not has_magic(pattern):
            if (folder / pattern).exists():
                return [pattern]
            what = f"there is no file {pattern}"
            self.problems.append(document.problem(where, what, "paths are relative to this file"))
            return []
        # Not Path.glob, which lets ** walk the whole disk.
        names = sorted(glob(pattern, root_dir=folder))  # noqa: PTH207
        if not names:
            what = f"no file matches {pattern}"
            self.problems.append(
                document.problem(where, what, "patterns are relative to this file")
            )
        return names

    def _cycle(self, document: Document, where: str, ring: tuple[Path, ...]) -> None:
        chain = " -> ".join(path.name for path in (*ring, ring[0]))
        what = f"the files include each other: {chain}"
        self.problems.append(document.problem(where, what, "remove one of these includes"))

    def _room(self, document: Document, where: str, level: int) -> bool:
        """Say whether one more file may be read; say it once when it may not."""
        what = ""
        if len(self._seen) >= MAX_FILES:
            what = f"more than {MAX_FILES} files are included"
        elif level > MAX_LEVELS:
            what = f"files are included more than {MAX_LEVELS} levels deep"
        if what and not self._full:
            self.problems.append(document.problem(where, what, "is a pattern too wide?"))
        self._full = self._full or bool(what)
        return not what


def _audited(part: Document, said: dict[str, Plain]) -> Document:
    """Return an included file whose dimensions and facts each say themselves what was said of them all."""
    given = {
        section: {
            name: {**said, **entry} if isinstance(entry, dict) else entry
            for name, entry in part.data[section].items()
        }
        for section in ("dimensions", "facts")
        if isinstance(part.data.get(section), dict)
    }
    return replace(part, data={**part.data, **given})


class _Merge:
    """The data and the spans of the main file, to which parts are added: what is included first."""

    def __init__(self, document: Document) -> None:
        self.data: dict[str, Plain] = dict(document.data)
        self.spans: dict[str, Span] = dict(document.spans)
        self.problems: list[Problem] = []
        self._own = document.data

    def add(self, part: Document) -> None:
        for key, value in part.data.items():
            known = self.data.get(key, {})
            if key not in SECTIONS and isinstance(value, dict) and isinstance(known, dict):
                self.data[key] = {**value, **known}  # a misspelt section, reported already
        for section in SECTIONS:
            entries, present = part.data.get(section), self.data.get(section, {})
            if not isinstance(entries, dict) or not isinstance(present, dict):
                continue  # a deviation that is reported already
            own = self._own.get(section, {})
            for name in entries:
                if name in present:
                    self._defined_twice(part, section, name)
            included = {name: entry for name, entry in present.items() if name not in own}
            added = {name: entry for name, entry in entries.items() if name not in present}
            self.data[section] = {**included, **added, **own}
            self._add_spans(part, section, set(present))

    def _add_spans(self, part: Document, section: str, present: set[str]) -> None:
        for path, span in part.spans.items():
            top, _, rest = path.partition(".")
            if top == section and rest.partition(".")[0] not in present:
                self.spans.setdefault(path, span)

    def _defined_twice(self, part: Document, section: str, name: str) -> None:
        path = f"{section}.{name}"
        other = self.spans[path]
        first = other.source.place(other.key)
        what = (
            f"'{name}' is defined twice; the other is at {first.file}:{first.line}:{first.column}"
        )
        self.problems.append(Problem(part.key_place(path), what, "remove one, or rename it"))
