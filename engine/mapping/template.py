"""Jinja in a mapping's SQL: `vars`, conditions and one level of loops; no way out, no way to hang."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.errors import did_you_mean
from engine.mapping.marks import has_template
from engine.mapping.model import Scalar
from engine.mapping.scan import Finding
from engine.mapping.template_rules import MAX_ROUNDS, first_mark, refusal, word_at
from engine.values import dataclass

THIS = "{{ this }}"
MAX_LENGTH = 1 << 20
_MAX_TEMPLATE = 100_000
_FILTERS = (
    "default", "d", "lower", "upper", "trim", "int", "float", "string", "abs", "round", "length",
)  # fmt: skip
_TESTS = (
    "defined", "undefined", "none", "true", "false", "string", "number", "boolean", "eq", "in",
)  # fmt: skip


class _Vars:
    """The vars of a mapping under their own names alone: vars.items is a var, not a method."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Scalar]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Scalar:
        return self._values[name]


class _Strict(StrictUndefined):
    """An undefined name that fails when it is used, and says which it was."""

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
    if not has_template(text):
        return Rendered(text)
    try:
        result = _render(text, values, this=this)
    except _FAILURES as error:
        return Rendered(text, (_finding(error, text, values),))
    return Rendered(result)


def _render(text: str, values: Mapping[str, Scalar], *, this: bool) -> str:
    if len(text) > _MAX_TEMPLATE:
        raise _TooMuchError("too much text for a template")
    tree = _environment().parse(text)
    names = {"vars", "loop", "range", *(("this",) if this else ())}
    refused = refusal(tree, text, names)
    if refused:
        raise _RefusedError(refused)
    template = _environment().from_string(tree)
    result = _joined(template.generate(vars=_Vars(values), this=THIS, range=_range))
    if this and has_template(result.replace(THIS, "")):
        # The engine puts the table in by replacing the text of THIS; nothing else may look like it.
        what = "the SQL has {{, {% or {# in it after its templates"
        raise _RefusedError(Finding(first_mark(text, 1), what, "put a blank between the two"))
    return result


def _finding(error: BaseException, text: str, values: Mapping[str, Scalar]) -> Finding:
    at = first_mark(text, 1)
    match error:
        case _RefusedError():
            return error.finding
        case TemplateSyntaxError():
            return _syntax(error, text)
        case _MissingError():
            return _missing(str(error), text, values)
        case _TooMuchError():
            return Finding(at, str(error), "write less of it")
        case RecursionError() | MemoryError() | SyntaxError():
            return Finding(at, "too much template", "write less of it")
    return Finding(at, f"the template fails: {str(error).lower()}")


class _RefusedError(Exception):
    """The template holds what it may not."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


class _TooMuchError(Exception):
    """The result is too long, or takes too many rounds."""


# The last three are of Jinja's parser, and of the Python that Jinja writes.
_FAILURES = (
    _RefusedError,
    _TooMuchError,
    TemplateError,
    RecursionError,
    MemoryError,
    SyntaxError,
)


def _joined(pieces: Iterator[str]) -> str:
    kept, length = [], 0
    try:
        for piece in pieces:
            length += len(piece)
            if length > MAX_LENGTH:
                raise _TooMuchError("the text is longer than 1 MiB after its templates")
            kept.append(piece)
    except (TypeError, ValueError, ArithmeticError) as error:  # as of 'a' + 1
        raise TemplateError(str(error)) from error
    return "".join(kept)


def _range(*limits: int) -> range:
    rounds = range(*limits)
    if len(rounds) > MAX_ROUNDS:
        raise _TooMuchError(f"range has more than {MAX_ROUNDS:,} values")
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


def _syntax(error: TemplateSyntaxError, text: str) -> Finding:
    what = (error.message or "not a template").rstrip(".")
    at = first_mark(text, error.lineno)
    _, found, block = what.partition("The innermost block that needs to be closed is ")
    if found:
        return Finding(
            at, f"the block {block} is not closed", f"end it with {{% end{block[1:-1]} %}}"
        )
    _, found, name = what.partition("No filter named ")
    if found:
        return Finding(at, f"no filter named {name}", did_you_mean(name[1:-1], _FILTERS))
    hint = "braces that belong to the SQL are written {{ '{{' }}"
    return Finding(at, f"bad template: {what.lower()}", hint)


def _missing(name: str, text: str, values: Mapping[str, Scalar]) -> Finding:
    tree = _environment().parse(text)
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        found = getattr(node, "attr", None) or getattr(getattr(node, "arg", None), "value", None)
        if found == name:
            hint = did_you_mean(name, values) or f"add it to vars, or give --var {name}=..."
            return Finding(word_at(text, node.lineno or 1, name), f"no var named '{name}'", hint)
    return Finding(first_mark(text, 1), f"'{name}' is undefined")
