"""The SQL texts of a document: rendered, scanned, and with every fault at its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.marks import has_template
from engine.mapping.model import Scalar
from engine.mapping.scan import Finding, scan


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
        if not has_template(text):
            return text
        # Here, because Jinja costs 50 ms and few mappings need it.
        from engine.mapping.template import render

        rendered = render(text, self.vars, this=this)
        for finding in rendered.findings:
            self._report(path, finding, raw=True)
        self.document.rendered[path] = rendered.text
        return None if rendered.findings else rendered.text

    def _scanned(
        self,
        path: str,
        text: str,
        rendered: str | None,
        *,
        query: bool = False,
        single: bool = False,
    ) -> str:
        if rendered is None:
            return text
        scanned = scan(rendered, query=query, single=single)
        for finding in scanned.findings:
            self._report(path, finding)
        return scanned.text

    def _report(self, path: str, finding: Finding, *, raw: bool = False) -> None:
        where = self.document.inside(path, finding.offset, raw=raw)
        self.problems.append(Problem(where, finding.what, finding.hint))
