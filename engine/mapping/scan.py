"""What is wrong with an SQL text on its face; what it means, only the database can say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Literal

from engine.values import dataclass

Kind = Literal["string", "identifier", "comment", "word", "sign"]
_OPENING = {")": "(", "]": "["}
_STARTS = ("select", "with", "values", "table")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL from `start` up to `end`; not `closed` when the text ends inside of it."""

    kind: Kind
    start: int
    end: int
    closed: bool = True
    line: bool = False  # a comment up to the end of its line


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a character of the text, counted from 0."""

    offset: int
    what: str
    hint: str = ""


@dataclass(slots=True)
class Scan:
    """The findings in a text, and the text made safe to stand inside of another statement."""

    text: str
    findings: list[Finding] = field(default_factory=list)


def scan(text: str, *, query: bool = False, single: bool = False) -> Scan:
    """Scan one query, one expression, or an ORDER BY list.

    A query must begin like one and may end in a semicolon, which is cut off. `single` forbids a
    comma outside of brackets. A text that ends in a -- comment gets a line end, or it would swallow
    what is written behind it.
    """
    tokens = list(_tokens(text))
    real = [token for token in tokens if token.kind != "comment"]
    result = Scan(text)
    result.findings += [_unclosed(text, token) for token in tokens if not token.closed]
    cut = len(text)
    if query and not result.findings:
        cut = _cut_semicolons(text, real)
    real = [token for token in real if token.start < cut]
    if not real:
        result.findings.append(Finding(0, "there is no SQL in it"))
        return result
    if not result.findings:
        result.findings += _brackets(text, real, single=single)
        result.findings += _separators(text, real, query=query)
    if query and not result.findings:
        result.findings += _start(text, real[0])
    kept = [token for token in tokens if token.start < cut]
    result.text = text[: kept[-1].end] + ("\n" if kept[-1].line else "")
    return result


def _cut_semicolons(text: str, real: list[Token]) -> int:
    """Return where the semicolons at the end begin."""
    at = len(real)
    while at and text[real[at - 1].start] == ";" and real[at - 1].kind == "sign":
        at -= 1
    return real[at].start if at < len(real) else len(text)


def _separators(text: str, real: list[Token], *, query: bool) -> Iterator[Finding]:
    for token in real:
        if token.kind == "sign" and text[token.start] == ";":
            if query:
                yield Finding(
                    token.start, "a second statement begins after this ;", "keep one query"
                )
            else:
                yield Finding(token.start, "a ; cannot stand here", "remove it")
            return


def _brackets(text: str, real: list[Token], *, single: bool) -> Iterator[Finding]:
    opened: list[Token] = []
    for token in real:
        sign = text[token.start] if token.kind == "sign" else ""
        if sign in ("(", "["):
            opened.append(token)
        elif sign in _OPENING:
            if not opened or text[opened[-1].start] != _OPENING[sign]:
                yield Finding(
                    token.start, f"this {sign} closes nothing", "remove it, or open it before"
                )
                return
            opened.pop()
        elif sign == "," and single and not opened:
            yield Finding(token.start, "a comma outside of brackets", "write a single one")
            return
    if opened:
        sign = text[opened[-1].start]
        yield Finding(opened[-1].start, f"this {sign} is not closed")


def _start(text: str, first: Token) -> Iterator[Finding]:
    word = text[first.start : first.end]
    if word.lower() not in _STARTS and word != "(":
        what = f"a query cannot begin with {word.upper() if first.kind == 'word' else word}"
        yield Finding(first.start, what, "it begins with SELECT, WITH, VALUES or TABLE")


def _unclosed(text: str, token: Token) -> Finding:
    if token.kind == "comment":
        return Finding(token.start, "this comment is not closed", "end it with */")
    sign = text[token.start]
    if sign == "$":
        sign = text[token.start : text.index("$", token.start + 1) + 1]
    elif sign not in ("'", '"'):
        sign = "'"
    return Finding(token.start, f"this {sign} is not closed", f"end the text with {sign}")


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token = _token(text, at)
        yield token
        at = token.end


def _token(text: str, at: int) -> Token:
    character, pair = text[at], text[at : at + 2]
    if pair in ("--", "/*"):
        return _line_comment(text, at) if pair == "--" else _block_comment(text, at)
    if character in ("'", '"'):
        return _quoted(text, at, at, "string" if character == "'" else "identifier")
    if pair in ("e'", "E'"):
        return _quoted(text, at, at + 1, "string", escapes=True)
    if character == "$":
        return _dollar(text, at)
    if _starts_word(character) or character.isdigit():
        end = at + 1
        while end < len(text) and (
            _starts_word(text[end]) or text[end].isdigit() or text[end] == "$"
        ):
            end += 1
        return Token("word", at, end)
    return Token("sign", at, at + 1)


def _starts_word(character: str) -> bool:
    return character == "_" or character.isalpha() or character >= "\x80"


def _quoted(text: str, start: int, at: int, kind: Kind, *, escapes: bool = False) -> Token:
    """Return a quoted token whose opening quote is at `at`; a doubled quote stands for itself."""
    quote = text[at]
    at += 1
    while at < len(text):
        if escapes and text[at] == "\\":
            at += 2
        elif text[at] != quote:
            at += 1
        elif text[at + 1 : at + 2] == quote:
            at += 2
        else:
            return Token(kind, start, at + 1)
    return Token(kind, start, len(text), closed=False)


def _dollar(text: str, at: int) -> Token:
    """Return a $tag$ string, or a lone $ as in the parameter $1."""
    end = at + 1
    while end < len(text) and (_starts_word(text[end]) or (text[end].isdigit() and end > at + 1)):
        end += 1
    if text[end : end + 1] != "$":
        return Token("sign", at, at + 1)
    tag = text[at : end + 1]
    close = text.find(tag, end + 1)
    if close < 0:
        return Token("string", at, len(text), closed=False)
    return Token("string", at, close + len(tag))


def _line_comment(text: str, at: int) -> Token:
    end = at
    while end < len(text) and text[end] not in "\r\n":
        end += 1
    return Token("comment", at, end, line=True)


def _block_comment(text: str, start: int) -> Token:
    """Return a comment; PostgreSQL nests them."""
    depth, at = 1, start + 2
    while at < len(text):
        if text.startswith("/*", at):
            depth, at = depth + 1, at + 2
        elif text.startswith("*/", at):
            depth, at = depth - 1, at + 2
            if depth == 0:
                return Token("comment", start, at)
        else:
            at += 1
    return Token("comment", start, len(text), closed=False)


def column_of(expression: str) -> str:
    """Return the column that an expression is by itself, in quotes or without; empty for any other one."""
    text = expression.strip()
    if re.fullmatch(r'"(?:[^"]|"")+"', text):
        return text[1:-1].replace('""', '"')
    return text.lower() if re.fullmatch(r"[^\W\d][\w$]*", text) else ""


def same_expression(one: str, other: str) -> bool:
    """Say whether two expressions are written alike, or are the same column: `day`, `Day` and `"day"`."""
    return one.strip() == other.strip() or column_of(one) == column_of(other) != ""
