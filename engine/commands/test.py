"""engine test: the cases beside a mapping, on embedded databases of their own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from engine.cases import junit
from engine.cases.execute import execute
from engine.cases.model import Case
from engine.cases.report import as_json, as_text, plain, summary
from engine.cases.result import Result
from engine.cases.servers import Servers
from engine.cases.suite import beside, load_suite, selected
from engine.commands.wire import configured
from engine.errors import ArgumentError, MappingError, Problem
from engine.mapping.read import read

AT_ONCE = 4  # cases; each mostly waits for its databases


def test(
    mappings: Sequence[Path],
    files: Sequence[Path],
    pattern: str | None,
    report: str,
    junit_file: Path | None,
    log: Mapping[str, str | None],
) -> None:
    """Carry out the cases of mappings; exits with 1 when one fails."""
    started = time.perf_counter()
    cases = _cases(mappings, files)
    if pattern:
        cases = selected(cases, pattern)
    # What the runs of the cases do is told by their results.
    level = log.get("log_level") or os.environ.get("LOG_LEVEL") or "error"
    configured({**log, "log_level": level}, terminal=sys.stderr.isatty(), to_file=False)
    results: list[Result] = []
    with Servers() as servers, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="case") as pool:
        try:
            for result in pool.map(lambda case: execute(case, servers), cases):
                results.append(result)
                if report == "text":
                    _tell(as_text(result, style if sys.stdout.isatty() else plain))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    seconds = time.perf_counter() - started
    if junit_file:
        junit.write(junit_file, results)
    click.echo(as_json(results, seconds) if report == "json" else summary(results, seconds))
    if not all(result.passed for result in results):
        raise click.exceptions.Exit(1)


def _cases(mappings: Sequence[Path], files: Sequence[Path]) -> tuple[Case, ...]:
    """Return all cases; MappingError carries every problem of all files."""
    if files and len(mappings) > 1:
        raise ArgumentError("--tests names the cases of one mapping: name one mapping")
    problems: list[Problem] = []
    cases: list[Case] = []
    for mapping in mappings:
        for file in files or (beside(mapping),):
            if not file.exists() and not files:
                read(mapping)  # which says it when the mapping itself is not there
                raise ArgumentError(
                    f"{mapping} has no tests: write {file}, or name files by --tests"
                )
            try:
                cases += load_suite(file, mapping)
            except MappingError as error:
                problems += [each for each in error.problems if each not in problems]
    if problems:
        raise MappingError(problems)
    return tuple(cases)


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def style(text: str, colour: str) -> str:
    """Colour a text for a terminal."""
    return click.style(text, fg=colour)
