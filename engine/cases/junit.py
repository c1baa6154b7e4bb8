"""The results of a suite as JUnit has them, which every CI reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from engine.cases.report import as_text
from engine.cases.result import Result
from engine.errors import ArgumentError


def write(path: Path, results: Sequence[Result]) -> None:
    """Write a file: a suite for each file of cases. ArgumentError when it cannot be written."""
    root = Element("testsuites", _numbers(results))
    for file, cases in groupby(results, lambda result: result.place.file):
        own = list(cases)
        suite = SubElement(root, "testsuite", {"name": file, **_numbers(own)})
        for result in own:
            _case(suite, result)
    indent(root)
    try:
        ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise ArgumentError(f"--junit: cannot write {path}: {error.strerror}") from error


def _numbers(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(not result.passed for result in results)),
        "errors": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _case(suite: Element, result: Result) -> None:
    attributes = {"name": _clean(result.name), "classname": result.place.file}
    attributes |= {"file": result.place.file, "line": str(result.place.line)}
    case = SubElement(suite, "testcase", {**attributes, "time": f"{result.seconds:.3f}"})
    if not result.passed:
        failure = SubElement(case, "failure", {"message": _clean(result.failures[0].what)})
        failure.text = _clean("\n".join(list(as_text(result))[1:]))


def _clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(c for c in text if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff"))
