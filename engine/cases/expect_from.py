"""What a step expects, out of a file of cases; names are looked for in the mapping."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from engine.cases.model import Expect, ExpectedNumber, ExpectedTable
from engine.cases.rows import RowReader
from engine.errors import did_you_mean
from engine.mapping.model import Star
from engine.mapping.scalars import Plain
from engine.plan.quality import label
from engine.report import COUNTS


@dataclass
class ExpectReader:
    """Reads expectations against one star."""

    reader: RowReader
    star: Star

    def expect(self, path: str, data: Mapping[str, Plain]) -> Expect:
        """Return what is expected at `path`."""
        document = self.reader.document
        checks = self._checks(f"{path}.checks", data["checks"]) if "checks" in data else None
        for name in data.get("rejected", {}):
            self._known(f"{path}.rejected.{name}", name, self._entries(), "dimension or fact")
        return Expect(
            place=document.place(path),
            tables=tuple(
                self._table(f"{path}.tables.{name}", name, value)
                for name, value in data.get("tables", {}).items()
            ),
            counts=self._counts(f"{path}.counts", data.get("counts", {})),
            checks=checks,
            rejected=tuple(
                self._table(f"{path}.rejected.{name}", name, value)
                for name, value in data.get("rejected", {}).items()
            ),
            exit=data.get("exit", 0),
            error=data.get("error", ""),
        )

    def selected(self, path: str, patterns: Sequence[str]) -> tuple[str, ...]:
        """Return the entries that the patterns name."""
        names = self._entries()
        for at, pattern in enumerate(patterns):
            if not any(fnmatchcase(name, pattern) for name in names):
                item = self.reader.document.item_path(path, pattern, at)
                self._known(item, pattern, names, "dimension or fact")
        return tuple(n for n in names if any(fnmatchcase(n, pattern) for pattern in patterns))

    def _entries(self) -> list[str]:
        return [entry.name for entry in self.star.entries]

    def _table(self, path: str, name: str, data: Plain) -> ExpectedTable:
        place = self.reader.document.place(path)
        if not isinstance(data, dict):
            return ExpectedTable(name, place, rows=self.reader.rows(path, data))
        own = {
            key: self.reader.rows(f"{path}.{key}", data[key])
            for key in ("rows", "contains")
            if key in data
        }
        return ExpectedTable(
            name, place, rows=own.get("rows"), contains=own.get("contains"), count=data.get("count")
        )

    def _counts(self, path: str, data: Mapping[str, Plain]) -> tuple[ExpectedNumber, ...]:
        return self._numbers(path, data, dict.fromkeys(self._entries(), COUNTS), "count")

    def _checks(self, path: str, data: Mapping[str, Plain]) -> tuple[ExpectedNumber, ...]:
        known = {e.name: [label(check) for check in e.checks] for e in self.star.entries}
        return self._numbers(path, data, known, "check")

    def _numbers(
        self, path: str, data: Mapping[str, Plain], known: Mapping[str, Collection[str]], word: str
    ) -> tuple[ExpectedNumber, ...]:
        found = []
        for entry, numbers in data.items():
            if not self._known(f"{path}.{entry}", entry, known, "dimension or fact"):
                continue
            for name, number in numbers.items():
                at = f"{path}.{entry}.{name}"
                if self._known(at, name, known[entry], word):
                    place = self.reader.document.place(at)
                    found.append(ExpectedNumber(entry, name, number, place))
        return tuple(found)

    def _known(self, path: str, name: str, known: Collection[str], word: str) -> bool:
        if name in known:
            return True
        problem = self.reader.document.key_place(path)
        self.reader.problem(problem, f"there is no {word} '{name}'", did_you_mean(name, known))
        return False
