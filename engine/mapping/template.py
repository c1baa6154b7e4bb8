"""Jinja in a mapping's SQL: `vars`, conditions and one level of loops; no way out, no way to hang."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.errors import did_you_mean
from engine.mapping.model import Scalar
from engine.mapping.scan import Finding

THIS = "{{ this }}"
MAX_LENGTH = 1 << 20
_MAX_NODES = 20_000
_MAX_DEPTH = 40
_MAX_ROUNDS = 1_000
_MARKS = ("{{", "{%", "{#")
# Nothing here can call, assign, multiply or nest loops, so time and size are bounded by the text.
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Const, nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Filter, nodes.Test, nodes.List, nodes.Tuple, nodes.Call,
    nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg, nodes.Pos,
)  # fmt: skip
_FILTERS = (
    "default",
    "d",
    "lower",
    "upper",
    "trim",
    "int",
    "float",
    "string",
    "abs",
    "round",
    "length",
)
_TESTS = (
    "defined",
    "undefined",
    "none",
    "true",
    "false",
    "string",
    "number",
    "boolean",
    "eq",
    "in",
)


class _Vars:
    """The vars of a mapping under their own names alone: vars.items is a var, not a method."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Scalar]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Scalar:
        return self._values[name]


class _Strict(StrictUndefined):
    """An undefined name that fails when it is used, and says which it was."""

    @property
    def missing_name(self) -> str:
        """Return the name that was looked for."""
        return str(self._undefined_name)

    def _fail_with_undefined_error(self, *_: Any, **__: Any) -> Any:
        raise _MissingError(str(self._undefined_name))

    __str__ = __iter__ = __len__ = __bool__ = __eq__ = __ne__ = __hash__ = (
        _fail_with_undefined_error
    )
    __add__ = __radd__ = __sub__ = __rsub__ = __neg__ = __pos__ = _fail_with_undefined_error
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __contains__ = (
        _fail_with_undefined_error
    )


class _MissingError(UndefinedError):
    """A var that is not there; its message is the name alone."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text after its templates, and what was wrong with them, counted in the text before."""

    text: str
    findings: tuple[Finding, ...] = ()


def render(text: str, values: Mapping[str, Scalar], *, this: bool = False) -> Rendered:
    """Render one text with `vars`; with `this`, {{ this }} stays as it is, for the table to come."""
    if not any(mark in text for mark in _MARKS):
        return Rendered(text)
    names = {"vars", "loop", "range", *(("this",) if this else ())}
    try:
        tree = _environment().parse(text)
        findings = tuple(_refused(tree, text, names))
        if findings:
            return Rendered(text, findings)
        template = _environment().from_string(text)
        pieces = template.generate(vars=_Vars(values), this=THIS, range=_range)
        result = _joined(pieces)
    except TemplateSyntaxError as error:
        return Rendered(text, (_syntax(error, text),))
    except _MissingError as error:
        return Rendered(text, (_missing(str(error), text, values),))
    except _TooMuchError as error:
        return Rendered(text, (Finding(_first_mark(text, 1), str(error), "write less of it"),))
    except (
        RecursionError,
        MemoryError,
        SyntaxError,
    ):  # of Jinja's parser, or of the code it writes
        return Rendered(
            text, (Finding(_first_mark(text, 1), "too much template", "write less of it"),)
        )
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        what = f"the template fails: {str(error).lower()}"
        return Rendered(text, (Finding(_first_mark(text, 1), what),))
    if this and any(mark in result.replace(THIS, "") for mark in _MARKS):
        what = "the SQL has {{, {% or {# in it after its templates"
        return Rendered(text, (Finding(_first_mark(text, 1), what, "put a blank between the two"),))
    return Rendered(result)


class _TooMuchError(Exception):
    """The result is too long, or takes too many rounds."""


def _joined(pieces: Iterator[str]) -> str:
    kept, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_LENGTH:
            raise _TooMuchError("the text is longer than 1 MiB after its templates")
        kept.append(piece)
    return "".join(kept)


def _range(*limits: int) -> range:
    rounds = range(*limits)
    if len(rounds) > _MAX_ROUNDS:
        raise _TooMuchError(f"range has more than {_MAX_ROUNDS:,} values")
    return rounds


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=_Strict, finalize=_as_sql, keep_trailing_newline=True
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


def _as_sql(value: Any) -> Any:
    """Spell true, false and null as SQL does, not as Python does."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Undefined):
        return str(value)  # raises, with the name
    return value


def _refused(tree: nodes.Template, text: str, names: set[str]) -> Iterator[Finding]:
    """Find what the language does not allow, from top to bottom."""
    stack: list[tuple[nodes.Node, frozenset[str], int, bool]] = [(tree, frozenset(names), 0, False)]
    count = 0
    while stack:
        node, known, depth, looping = stack.pop()
        count += 1
        finding = _refusal(node, text, known, looping=looping)
        if count > _MAX_NODES or depth > _MAX_DEPTH:
            finding = Finding(
                _first_mark(text, node.lineno), "too much template", "write less of it"
            )
        if finding:
            yield finding
            return
        if isinstance(node, nodes.For):
            target = [node.target, *getattr(node.target, "items", ())]
            known |= {name.name for name in target if isinstance(name, nodes.Name)}
            looping = True
        children = reversed(list(node.iter_child_nodes()))
        stack += [(child, known, depth + 1, looping) for child in children]


def _refusal(
    node: nodes.Node, text: str, known: frozenset[str], *, looping: bool
) -> Finding | None:
    at = _first_mark(text, node.lineno)
    if not isinstance(node, _ALLOWED):
        return Finding(at, f"{_named(node)} is not allowed here", _POSSIBLE)
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in known:
        shown = known - {"loop", "range"}
        hint = "write vars." + node.name if "vars" in shown else ""
        close = did_you_mean(node.name, shown)
        return Finding(_word(text, node), f"no name '{node.name}'", close if "?" in close else hint)
    if isinstance(node, nodes.Getattr | nodes.Getitem) and not _is_plain(node):
        return Finding(at, "only vars.name, vars['name'] and loop.name can be looked into")
    if isinstance(node, nodes.Call) and not _is_range(node):
        return Finding(at, "a call is not allowed here", _POSSIBLE)
    if isinstance(node, nodes.For):
        if looping:
            return Finding(at, "a loop inside of a loop is not allowed")
        if node.recursive or not _is_bounded(node.iter):
            return Finding(at, "a loop goes over a list that is written out, or over range(n)")
    return None


_POSSIBLE = "possible are vars, if, for over a list or range(), and simple filters"


def _named(node: nodes.Node) -> str:
    return {"Mul": "*", "Pow": "**", "Div": "/", "Mod": "%", "Assign": "set"}.get(
        type(node).__name__, type(node).__name__.lower()
    )


def _is_plain(node: nodes.Getattr | nodes.Getitem) -> bool:
    return isinstance(node.node, nodes.Name) and node.node.name in ("vars", "loop")


def _is_range(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == "range"
    )


def _is_bounded(node: nodes.Node) -> bool:
    if isinstance(node, nodes.List | nodes.Tuple):
        return len(node.items) <= _MAX_ROUNDS
    return _is_range(node)


def _syntax(error: TemplateSyntaxError, text: str) -> Finding:
    what = (error.message or "not a template").rstrip(".").lower()
    hint = "braces that belong to the SQL are written {{ '{{' }}"
    return Finding(_first_mark(text, error.lineno), f"bad template: {what}", hint)


def _missing(name: str, text: str, values: Mapping[str, Scalar]) -> Finding:
    tree = _environment().parse(text)
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        found = getattr(node, "attr", None) or getattr(getattr(node, "arg", None), "value", None)
        if found == name:
            hint = did_you_mean(name, values) or f"add it to vars, or give --var {name}=..."
            return Finding(_word(text, node, name), f"no var named '{name}'", hint)
    return Finding(_first_mark(text, 1), f"'{name}' is undefined")


def _line_start(text: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1 or at
    return at


def _first_mark(text: str, line: int) -> int:
    """Return the offset of the first template at or below a line, which counts from 1."""
    start = _line_start(text, line)
    found = [at for mark in _MARKS if (at := text.find(mark, start)) >= 0]
    return min(found, default=start)


def _word(text: str, node: nodes.Node, word: str = "") -> int:
    mark = _first_mark(text, node.lineno)
    at = text.find(word or str(getattr(node, "name", "")), mark)
    return mark if at < 0 else at
