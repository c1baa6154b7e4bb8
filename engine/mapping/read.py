"""One YAML file to data and the place of every entry, or problems; it never fails or hangs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from engine.errors import MappingError, Place, Problem, did_you_mean
from engine.mapping.document import Document, SourceText, Span
from engine.mapping.model import Scalar
from engine.mapping.nodes import MAX_DEPTH, MAX_NODES, Composer, Node, Refused
from engine.mapping.scalars import Plain, resolve

MAX_BYTES = 1 << 20
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HINTS = {
    "mapping values are not allowed": "put text with ': ' in quotes, check the indentation",
    "did not find expected key": "check the indentation, and that each line is 'key: value'",
    "did not find expected '-' indicator": "check the indentation of the list",
    "did not find expected <document start>": "put the text as a whole in quotes",
    "could not find expected ':'": "each line of a map is 'key: value'",
    "found unexpected end of stream": "a quote is not closed",
    "did not find expected node content": "close the {, the [ or the quote",
    "did not find expected comment": "put the text as a whole in quotes",
    "found unknown escape character": "write \\\\, or use single quotes",
    "did not find expected ',' or '}'": "close the {, and put text with , : { } in quotes",
    "did not find expected ',' or ']'": "close the [, and put text with , : [ ] in quotes",
    "block sequence entries are not allowed": "a list begins on a line of its own, below its key",
}


def read(path: Path, shown: str | None = None) -> tuple[Document, tuple[Problem, ...]]:
    """Return the document of one file and the problems that leave it usable: repeated keys.

    `shown` is the name for messages. Raises MappingError for a file that cannot be read at all.
    """
    name = str(path) if shown is None else shown
    return read_text(_text(path, name), name)


def read_text(text: str, name: str) -> tuple[Document, tuple[Problem, ...]]:
    """Return what `read` returns, of a text that is at hand."""
    source = SourceText(name, text)
    composer = Composer(source)
    try:
        root = composer.compose()
        builder = _Builder(source)
        data = None if root is None else builder.value(root, "", -1, 0)
    except Refused as refused:
        raise MappingError([*composer.problems, refused.problem]) from None
    except yaml.YAMLError as error:
        raise MappingError([*composer.problems, _syntax_problem(error, source)]) from None
    if root is None or (data is None and root.start == root.end):
        raise MappingError([Problem(Place(name), "the file is empty", "begin with: version: 1")])
    wrong = [*composer.problems, *builder.wrong]
    if not isinstance(data, dict):
        what = "the file must be a map, such as 'version: 1'"
        wrong.append(Problem(source.place(root.start), what))
    if wrong or not isinstance(data, dict):
        raise MappingError([*wrong, *builder.repeated])
    return Document(name, data, builder.spans), tuple(builder.repeated)


def read_scalar(text: str) -> Scalar:
    """Return the value of a text from a command line, as YAML has it: "'5'" is text, 5 is not."""
    if text[:1] in ("'", '"'):
        try:
            events = list(yaml.parse(text, Loader=yaml.SafeLoader))
        except yaml.YAMLError:
            return text
        scalars = [event for event in events if isinstance(event, yaml.ScalarEvent)]
        return scalars[0].value if len(events) == len(scalars) + 4 else text
    return resolve(text) if text else text


def _text(path: Path, name: str) -> str:
    try:
        if path.is_dir():
            raise MappingError([Problem(Place(name), "is a directory, not a mapping file")])
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MappingError(
            [Problem(Place(name), "there is no such file", _neighbour(path))]
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise MappingError([Problem(Place(name), f"cannot be read: {reason.lower()}")]) from None
    if len(raw) > MAX_BYTES:
        raise MappingError([Problem(Place(name), "is larger than 1 MiB", "split it by include")])
    return _decoded(raw, name)


def _decoded(raw: bytes, name: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        where = Place(name, before.count(b"\n") + 1, column)
        raise MappingError([Problem(where, "not UTF-8 text", "save the file as UTF-8")]) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = _NOT_TEXT.search(text)
    if found:
        what = f"the character U+{ord(found[0]):04X} cannot stand in YAML"
        where = SourceText(name, text).place(found.start())
        raise MappingError([Problem(where, what, "is this a text file?")])
    return text


def _neighbour(path: Path) -> str:
    try:
        names = [other.name for other in path.parent.iterdir() if other.suffix in (".yml", ".yaml")]
    except OSError:
        return ""
    hint = did_you_mean(path.name, names)
    return hint if hint.startswith("did") else ""


def _syntax_problem(error: yaml.YAMLError, source: SourceText) -> Problem:
    what, mark = str(error).split("\n", 1)[0], None
    if isinstance(error, yaml.MarkedYAMLError):
        what, mark = error.problem or what, error.problem_mark or error.context_mark
    if mark is None:
        return Problem(Place(source.file), f"not YAML: {what}")
    # At the end of a text libyaml counts one line too many.
    where = source.place(min(mark.index, len(source.text)))
    character = source.text[mark.index : mark.index + 1]
    if character == "\t" or "tab" in what:
        return Problem(where, "a tab in the indentation", "indent with spaces")
    if "cannot start any token" in what:
        return Problem(where, f"text cannot begin with {character}", "put it in quotes")
    context = getattr(error, "context_mark", None)
    begun = f", in what begins at line {context.line + 1}" if context else ""
    hint = next((hint for start, hint in _HINTS.items() if what.startswith(start)), "")
    return Problem(where, f"not YAML: {what}{begun}", hint)


@dataclass
class _Builder:
    """Turns nodes into data; `wrong` makes the file unusable, `repeated` does not."""

    source: SourceText
    spans: dict[str, Span] = field(default_factory=dict)
    wrong: list[Problem] = field(default_factory=list)
    repeated: list[Problem] = field(default_factory=list)
    _count: int = 0

    def value(self, node: Node, path: str, key: int, depth: int) -> Plain:
        """Return the data of a node; aliases are expanded here, so here they are counted."""
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            what = f"aliases make more than {MAX_NODES:,} entries or {MAX_DEPTH} levels"
            raise Refused(
                Problem(self.source.place(node.start, path), what, "repeat less by alias")
            )
        if path:
            span = Span(self.source, key, node.start, node.end, node.text, node.style)
            self.spans.setdefault(path, span)
        prefix = f"{path}." if path else ""
        if node.items is not None:
            return [
                self.value(item, f"{prefix}{at}", -1, depth + 1)
                for at, item in enumerate(node.items)
            ]
        if node.pairs is not None:
            return self._map(node.pairs, prefix, depth)
        assert node.text is not None  # noqa: S101 - a node is one of three
        return resolve(node.text) if node.plain else node.text

    def _map(self, pairs: list[tuple[Node, Node]], prefix: str, depth: int) -> dict[str, Plain]:
        data: dict[str, Plain] = {}
        first: dict[str, int] = {}
        torn = 0
        for at, (key, node) in enumerate(pairs):
            if torn:
                torn -= 1
                continue
            torn = self._pieces(pairs, at)
            if not self._key_is_text(key):
                continue
            name = key.text or ""
            if name in data:
                line = self.source.place(first[name]).line
                where = self.source.place(key.start, f"{prefix}{name}")
                what = f"the key '{name}' is repeated; the first is in line {line}"
                self.repeated.append(Problem(where, what, "remove one of the two"))
                continue
            first[name] = key.start
            data[name] = self.value(node, f"{prefix}{name}", key.start, depth + 1)
        return data

    def _pieces(self, pairs: list[tuple[Node, Node]], at: int) -> int:
        """Count the entries behind a value that are the rest of it: {type: numeric(12,2)} is two to YAML."""
        value = pairs[at][1]
        opened, end = _opened(value), value.end
        if not value.plain or opened < 1:
            return 0
        for count, (key, empty) in enumerate(pairs[at + 1 :], 1):
            comma = self.source.text[end : key.start].strip() == ","
            if not comma or key.text is None or empty.text or not empty.plain:
                return 0
            opened, end = opened + _opened(key), key.end
            if opened < 1:
                whole = self.source.text[value.start : end]
                hint = f'write "{whole}"' if '"' not in whole else "put it in quotes"
                where = self.source.place(value.start)
                self.wrong.append(Problem(where, "a comma within { } ends a value", hint))
                return count
        return 0

    def _key_is_text(self, key: Node) -> bool:
        """Say whether a key is text: null is, as a word of the language; 1 and true are not."""
        where = self.source.place(key.start)
        if key.text is None:
            hint = "text that begins with {{ or [ must be in quotes"
            self.wrong.append(Problem(where, "a key must be text, not a map or a list", hint))
            return False
        if not key.plain or key.text == "null":
            return True
        if key.text == "<<":
            hint = "write the entries out, or put the alias in the place of the whole value"
            self.wrong.append(Problem(where, "the merge key << is not supported", hint))
            return False
        if not isinstance(resolve(key.text), str):
            hint = f'write "{key.text}" in quotes' if key.text else "give it a name"
            found = f"a key must be text, found {key.text}" if key.text else "a key is missing"
            self.wrong.append(Problem(where, found, hint))
            return False
        return True


def _opened(node: Node) -> int:
    text = node.text or ""
    return text.count("(") - text.count(")")
