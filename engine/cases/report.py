"""The results of a suite, as text with the rows side by side, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict

from engine.cases.match import NULL
from engine.cases.result import FOUND, SAME, WANTED, Failure, Line, Result

Style = Callable[[str, str], str]  # a text and a colour: the text, coloured or not
WIDEST = 40  # characters of a cell that are shown
AROUND = 3  # rows as expected that are shown
COLOURS = {WANTED: "red", FOUND: "green"}
WORDS = {WANTED: "expected", FOUND: "found"}


def plain(text: str, _: str) -> str:
    """Leave a text as it is."""
    return text


def as_text(result: Result, style: Style = plain) -> Iterator[str]:
    """Yield the lines about a case: one, and what failed below it."""
    word = style("passed", "green") if result.passed else style("FAILED", "red")
    yield f"{word}  {result.seconds:5.2f} s  {result.name}"
    for failure in result.failures:
        yield from (f"    {line}" for line in _failure(failure, style))


def summary(results: Sequence[Result], seconds: float) -> str:
    """Say in a line how many passed."""
    failed = sum(not result.passed for result in results)
    cases = "1 case" if len(results) == 1 else f"{len(results)} cases"
    ended = f"{failed} failed" if failed else "all passed"
    return f"{cases}, {ended}, in {seconds:.2f} s"


def _failure(failure: Failure, style: Style) -> Iterator[str]:
    where = failure.place
    first, *more = failure.what.splitlines()
    yield f"{where.file}:{where.line}:{where.column}: {first}"
    yield from (f"  {line}" for line in more)
    if failure.lines:
        yield from table(failure.columns, failure.lines, style)


def table(columns: Sequence[str], lines: Sequence[Line], style: Style = plain) -> Iterator[str]:
    """Yield the rows as a table; below a row that is otherwise, ^ marks the cells."""
    kept = list(_shortened(lines))
    texts = [[_cell(cell) for cell in line.cells] for line, _ in kept]
    widths = [max(map(len, each)) for each in zip(columns, *texts, strict=True)]
    yield f"  {_joined(columns, widths)}".rstrip()
    for (line, left_out), cells in zip(kept, texts, strict=True):
        if left_out:
            yield f"  … {left_out} more as expected"
        row = _joined(cells, widths)
        if line.mark == SAME:
            yield f"  {row}".rstrip()
            continue
        yield style(f"{line.mark} {row}  {WORDS[line.mark]}", COLOURS[line.mark])
        if line.mark == FOUND and line.different:
            marks = ["^" * len(c) if n in line.different else "" for n, c in enumerate(cells)]
            yield f"  {_joined(marks, widths, ' ' * 3)}".rstrip()


def _shortened(lines: Sequence[Line]) -> Iterator[tuple[Line, int]]:
    """Yield what is worth showing, each with how many rows as expected were left out before it."""
    same, left_out = 0, 0
    for line in lines:
        same += line.mark == SAME
        if line.mark == SAME and same > AROUND:
            left_out += 1
        else:
            yield line, left_out
            left_out = 0


def _cell(cell: str | None) -> str:
    text = NULL if cell is None else cell.replace("\n", "\\n")
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _joined(cells: Iterable[str], widths: Sequence[int], between: str = " | ") -> str:
    return between.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))


def as_json(results: Sequence[Result], seconds: float) -> str:
    """Return the results as one JSON object."""
    failed = sum(not result.passed for result in results)
    whole = {
        "status": "failed" if failed else "passed",
        "seconds": round(seconds, 3),
        "passed": len(results) - failed,
        "failed": failed,
        "cases": [_as_data(result) for result in results],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2)


def _as_data(result: Result) -> dict[str, object]:
    return {
        "name": result.name,
        "file": result.place.file,
        "line": result.place.line,
        "status": "passed" if result.passed else "failed",
        "seconds": result.seconds,
        "failures": [_failure_data(failure) for failure in result.failures],
    }


def _failure_data(failure: Failure) -> dict[str, object]:
    place = failure.place
    data: dict[str, object] = {**asdict(place), "what": failure.what}
    if failure.lines:
        words = {SAME: "same", **WORDS}
        data["rows"] = [
            {"is": words[line.mark], **dict(zip(failure.columns, line.cells, strict=True))}
            for line in failure.lines
        ]
    return data
