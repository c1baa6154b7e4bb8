"""What a template may hold: so little that its time and size are bounded by its own length."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from engine.mapping.marks import MARKS
from engine.mapping.scan import Finding

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


def refusals(tree: nodes.Template, text: str, names: set[str]) -> Iterator[Finding]:
    """Find what the language does not allow, from top to bottom."""
    stack: list[tuple[nodes.Node, frozenset[str], int, bool]] = [(tree, frozenset(names), 0, False)]
    count = 0
    while stack:
        node, known, depth, looping = stack.pop()
        count += 1
        finding = _refusal(node, text, known, looping=looping)
        if count > _MAX_NODES or depth > _MAX_DEPTH:
            finding = Finding(
                first_mark(text, node.lineno), "too much template", "write less of it"
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
    at = first_mark(text, node.lineno)
    if not isinstance(node, _ALLOWED):
        return Finding(at, f"{_named(node)} is not allowed here", _POSSIBLE)
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in known:
        hint = f"templates know vars, as in vars.{node.name}"
        return Finding(word_at(text, node), f"no name '{node.name}'", hint)
    if isinstance(node, nodes.Getattr | nodes.Getitem) and not _is_plain(node, known):
        return Finding(at, "only vars.name, vars['name'] and loop.name can be looked into")
    if isinstance(node, nodes.Call) and not _is_range(node):
        return Finding(at, "a call is not allowed here", _POSSIBLE)
    if isinstance(node, nodes.For):
        if looping:
            return Finding(at, "a loop inside of a loop is not allowed")
        if node.recursive or not _is_bounded(node.iter):
            return Finding(at, "a loop goes over a list that is written out, or over range(n)")
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


def word_at(text: str, node: nodes.Node, word: str = "") -> int:
    """Return the offset of a word at or below the line of a node, or of the template there."""
    mark = first_mark(text, node.lineno)
    at = text.find(word or str(getattr(node, "name", "")), mark)
    return mark if at < 0 else at
