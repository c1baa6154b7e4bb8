"""A mapping as plain data that knows the place of every entry, whichever file it stands in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from typing import Any

from engine.errors import Place, Problem
from engine.mapping.offsets import moved, scalar_offset
from engine.values import dataclass

LANGUAGE = "engine.mapping"  # the package of the schema of a mapping


@dataclass(frozen=True)
class SourceText:
    """A file by the name that the user gave it, and its text with plain line ends."""

    file: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(at + 1 for at, character in enumerate(self.text) if character == "\n")]

    def place(self, index: int, path: str = "") -> Place:
        """Return the place of the character at `index`, counted from 0."""
        line = bisect_right(self._starts, index)
        return Place(self.file, line, index - self._starts[line - 1] + 1, path)


@dataclass(frozen=True, slots=True)
class Span:
    """Where an entry stands: indexes into the text of its file. `key` is -1 for an item of a list.

    `text` is the value of a scalar, None for a map or a list; `style` is its quote or block sign.
    """

    source: SourceText
    key: int
    start: int
    end: int
    text: str | None = None
    style: str = ""


@dataclass(frozen=True)
class Document:
    """The data of a mapping, all its files merged, and the span of each entry by its dotted path.

    `rendered` has the texts that Jinja changed, so that a place in one can be found in its file.
    """

    file: str
    data: dict[str, Any]
    spans: Mapping[str, Span]
    rendered: dict[str, str] = field(default_factory=dict)

    def place(self, path: str) -> Place:
        """Return the place of the value at `path`, or of its key when it begins further down.

        For a path that is not there it is the place of the nearest entry above it.
        """
        span = self._nearest(path)
        if span is None:
            return Place(self.file, path=path)
        source = span.source
        value = source.place(span.start, path)
        if span.key < 0:
            return value
        key = source.place(span.key, path)
        return value if value.line == key.line and span.start < span.end else key

    def key_place(self, path: str) -> Place:
        """Return the place of the key at `path`, as for a key that should not be there."""
        span = self.spans.get(path)
        if span is None or span.key < 0:
            return self.place(path)
        return span.source.place(span.key, path)

    def inside(self, path: str, offset: int, *, raw: bool = False) -> Place:
        """Return the place of the character at `offset`, from 0, of the scalar at `path`.

        It counts in the text as the model has it, after Jinja; with `raw`, in the text before.
        """
        span = self.spans.get(path)
        if span is None or not span.text:
            return self.place(path)
        if not raw and path in self.rendered:
            offset = moved(offset, self.rendered[path], span.text)
        written = span.source.text[span.start : span.end]
        start = span.start + scalar_offset(written, span.style, span.text, offset)
        return span.source.place(start, path)

    def text_path(self, path: str, key: str) -> str:
        """Return the path of a text that has a short form, at `path`, and a long one, below it."""
        long = f"{path}.{key}"
        return long if long in self.spans else path

    def item_path(self, path: str, name: str, at: int) -> str:
        """Return the path of one of the names at `path`: a key of a map, an item of a list, or the value."""
        items = (f"{path}.{name}", f"{path}.{at}")
        return next((item for item in items if item in self.spans), path)

    def problem(self, path: str, what: str, hint: str = "") -> Problem:
        """Return a problem at the place of `path`."""
        return Problem(self.place(path), what, hint)

    def _nearest(self, path: str) -> Span | None:
        while path:
            if path in self.spans:
                return self.spans[path]
            path = path.rpartition(".")[0]
        return None


@dataclass(frozen=True, slots=True)
class Deviation:
    """A problem of shape, and the keys that lead to it, so that what stands elsewhere can go on."""

    problem: Problem
    keys: tuple[str, ...]
