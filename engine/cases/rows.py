"""Rows as they are written in a file of cases: maps, or lines of a text with fields between |."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.cases.model import Cell, Row
from engine.errors import Place, Problem
from engine.mapping.document import Document
from engine.mapping.scalars import Plain, resolve

RULER = re.compile(r"[-+|:\s]*-[-+|:\s]*")
QUOTED = re.compile(r"'(.*)'|\"(.*)\"", re.DOTALL)
ANY = "*"


@dataclass
class RowReader:
    """Takes rows out of a document; what is wrong with them is collected in `problems`."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def problem(self, where: Place, what: str, hint: str = "") -> None:
        """Keep a problem."""
        self.problems.append(Problem(where, what, hint))

    def rows(self, path: str, data: Plain) -> tuple[Row, ...]:
        """Return the rows at `path`, in either form."""
        if isinstance(data, str):
            return tuple(self._lines(path, data))
        return tuple(self._row(f"{path}.{at}", row) for at, row in enumerate(data))

    def text(self, path: str) -> str | None:
        """Return a single value as it is written: 10.00 stays 10.00. None for NULL."""
        span = self.document.spans[path]
        if not span.style and resolve(span.text or "") is None:
            return None
        return span.text

    def _row(self, path: str, data: dict[str, Plain]) -> Row:
        cells: list[tuple[str, Cell]] = []
        for name, value in data.items():
            below = f"{path}.{name}"
            if isinstance(value, dict):
                cells += [(f"{name}.{key}", self._cell(f"{below}.{key}")) for key in value]
            else:
                cells.append((name, self._cell(below)))
        return Row(tuple(cells), self.document.place(path))

    def _cell(self, path: str) -> Cell:
        text = self.text(path)
        return Cell(text, self.document.place(path), any=text == ANY)

    def _lines(self, path: str, text: str) -> Iterator[Row]:
        """Yield the rows of a text whose first line names the columns."""
        names: list[str] = []
        offset = 0
        for line in text.splitlines(keepends=True):
            begin, offset = offset, offset + len(line)
            if not line.strip() or (names and RULER.fullmatch(line)):
                continue
            fields = _fields(line)
            where = self.document.inside(path, begin + fields[0][1])
            if not names:
                names = [name for name, _ in fields]
                twice = next((name for name in names if names.count(name) > 1), None)
                if twice is not None:
                    what = (
                        f"the column '{twice}' is there twice" if twice else "a column has no name"
                    )
                    self.problem(where, what)
            elif len(fields) != len(names):
                what = f"the line does not have {len(names)} fields, as the first line has"
                self.problem(where, what, "a field with | in it needs the form of maps")
            else:
                cells = tuple(
                    (name, self._field(path, word, begin + at))
                    for name, (word, at) in zip(names, fields, strict=True)
                )
                yield Row(cells, where)

    def _field(self, path: str, word: str, offset: int) -> Cell:
        place = self.document.inside(path, offset)
        if quoted := QUOTED.fullmatch(word):
            return Cell(next(each for each in quoted.groups() if each is not None), place)
        return Cell(None if resolve(word) is None else word, place, any=word == ANY)


def _fields(line: str) -> list[tuple[str, int]]:
    """Return the fields of a line, each with where it begins; bars at both ends may be there."""
    found: list[tuple[str, int]] = []
    at = 0
    for part in line.split("|"):
        found.append((part.strip(), at + len(part) - len(part.lstrip())))
        at += len(part) + 1
    if line.lstrip().startswith("|"):
        found = found[1:-1] if line.rstrip().endswith("|") and len(found) > 2 else found[1:]
    return found
