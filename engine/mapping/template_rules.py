"""What a template may hold: so little that its time and size are bounded by its own length."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from engine.errors import did_you_mean
from engine.mapping.marks import MARKS
from engine.mapping.scan import Finding
from engine.values import dataclass

MAX_ROUNDS = 1_000
_MAX_NODES = 5_000
_MAX_DEPTH = 40
# Nothing here can call, assign, multiply or nest loops.
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Const, nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Filter, nodes.Test, nodes.List, nodes.Tuple, nodes.Call,
    nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg, nodes.Pos,
)  # fmt: skip
_POSSIBLE = "possible are vars, if, for over a list or range(), and simple filters"


@dataclass(frozen=True, slots=True)
class _Visit:
    """A node on the way down: `line` is its own or the nearest above, for some have none."""

    node: nodes.Node
    line: int
    names: frozenset[str]
    depth: int
    looping: bool


def refusal(tree: nodes.Template, text: str, names: set[str]) -> Finding | None:
    """Return the first thing, from top to bottom, that the language does not allow."""
    stack = [_Visit(tree, 1, frozenset(names), 0, looping=False)]
    count = 0
    while stack:
        visit = stack.pop()
        count += 1
        refused = _refused(visit)
        if count > _MAX_NODES or visit.depth > _MAX_DEPTH:
            refused = ("too much template", "write less of it")
        if refused:
            word = visit.node.name if isinstance(visit.node, nodes.Name) else ""
            return Finding(word_at(text, visit.line, word), *refused)
        stack += reversed(list(_below(visit)))
    return None


def _below(visit: _Visit) -> Iterator[_Visit]:
    node, names, looping = visit.node, visit.names, visit.looping
    if isinstance(node, nodes.For):
        target = [node.target, *getattr(node.target, "items", ())]
        names |= {name.name for name in target if isinstance(name, nodes.Name)}
        looping = True
    for child in node.iter_child_nodes():
        yield _Visit(child, child.lineno or visit.line, names, visit.depth + 1, looping)


def _refused(visit: _Visit) -> tuple[str, str] | None:
    """Return what is wrong with a node, and the hint."""
    node = visit.node
    if not isinstance(node, _ALLOWED):
        return f"{_named(node)} is not allowed here", _POSSIBLE
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in visit.names:
        close = did_you_mean(node.name, visit.names)
        known = "this and vars" if "this" in visit.names else "vars"
        hint = f"templates know {known}, as in vars.{node.name}"
        return f"no name '{node.name}'", close if close.startswith("did") else hint
    if isinstance(node, nodes.Getattr | nodes.Getitem) and not _is_plain(node, visit.names):
        return "only vars.name, vars['name'] and loop.name can be looked into", ""
    if isinstance(node, nodes.Call) and not _is_range(node):
        return "a call is not allowed here", _POSSIBLE
    return _refused_loop(node, looping=visit.looping) if isinstance(node, nodes.For) else None


def _refused_loop(node: nodes.For, *, looping: bool) -> tuple[str, str] | None:
    if looping:
        return "a loop inside of a loop is not allowed", ""
    if node.recursive or not _is_bounded(node.iter):
        return "a loop goes over a list that is written out, or over range(n)", ""
    return None


def _named(node: nodes.Node) -> str:
    return {"Mul": "*", "Pow": "**", "Div": "/", "Mod": "%", "Assign": "set"}.get(
        type(node).__name__, type(node).__name__.lower()
    )


def _is_plain(node: nodes.Getattr | nodes.Getitem, known: frozenset[str]) -> bool:
    """Say whether it looks into vars or loop, or into a name that is a problem of its own."""
    name = node.node.name if isinstance(node.node, nodes.Name) else ""
    return name in ("vars", "loop") or (bool(name) and name not in known)


def _is_range(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == "range"
    )


def _is_bounded(node: nodes.Node) -> bool:
    if isinstance(node, nodes.List | nodes.Tuple):
        return len(node.items) <= MAX_ROUNDS
    return _is_range(node)


def _line_start(text: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1 or at
    return at


def first_mark(text: str, line: int) -> int:
    """Return the offset of the first template at or below a line, which counts from 1."""
    start = _line_start(text, line)
    found = [at for mark in MARKS if (at := text.find(mark, start)) >= 0]
    return min(found, default=start)


def word_at(text: str, line: int, word: str) -> int:
    """Return the offset of a word in the first template at or below a line, or of that template."""
    mark = first_mark(text, line)
    return max(mark, text.find(word, mark))
