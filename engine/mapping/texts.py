"""The SQL texts of a document: rendered, scanned, and with every fault at its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.model import Scalar
from engine.mapping.scan import Finding, scan

_MARKS = ("{{", "{%", "{#")


@dataclass
class Texts:
    """Takes SQL out of a document. What is wrong with it is collected in `problems`."""

    document: Document
    vars: Mapping[str, Scalar]
    problems: list[Problem] = field(default_factory=list)

    def query(self, path: str, text: str) -> str:
        """Return a query that can stand in brackets: one statement, no semicolon."""
        return self._scanned(path, text, self._rendered(path, text), query=True)

    def check(self, path: str, text: str) -> str:
        """Return the query of a check, in which {{ this }} stays for the table to come."""
        return self._scanned(path, text, self._rendered(path, text, this=True), query=True)

    def expression(self, path: str, text: str) -> str:
        """Return one expression."""
        return self._scanned(path, text, self._rendered(path, text), single=True)

    def order(self, path: str, text: str) -> str:
        """Return an ORDER BY list."""
        return self._scanned(path, text, self._rendered(path, text))

    def type(self, path: str, text: str) -> str:
        """Return the name of a type; there are no templates in it."""
        return self._scanned(path, text, text, single=True)

    def _rendered(self, path: str, text: str, *, this: bool = False) -> str | None:
        if not any(mark in text for mark in _MARKS):
            return text
        from engine.mapping.template import render  # noqa: PLC0415 - Jinja costs 50 ms and few need it

        rendered = render(text, self.vars, this=this)
        for finding in rendered.findings:
            self._report(path, finding, None)
        return None if rendered.findings else rendered.text

    def _scanned(self, path: str, text: str, rendered: str | None, **rules: Any) -> str:
        if rendered is None:
            return text
        scanned = scan(rendered, **rules)
        for finding in scanned.findings:
            self._report(path, finding, rendered)
        return scanned.text

    def _report(self, path: str, finding: Finding, rendered: str | None) -> None:
        where = self.document.inside(path, finding.offset, rendered)
        self.problems.append(Problem(where, finding.what, finding.hint))
