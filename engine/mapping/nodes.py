"""YAML as a tree of nodes that remember their place; bounded, so no input explodes or hangs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from engine.errors import Problem
from engine.mapping.document import SourceText

_LOADER = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # a PyYAML built without libyaml has no C loader
MAX_DEPTH = 50
MAX_NODES = 100_000


@dataclass(slots=True)
class Node:
    """A scalar (`text` is not None), a list (`items`) or a map (`pairs`)."""

    start: int
    end: int
    text: str | None = None
    style: str = ""
    plain: bool = False
    items: list[Node] | None = None
    pairs: list[tuple[Node, Node]] | None = None


class Refused(Exception):  # noqa: N818 - a signal inside of this package, it never leaves it
    """The text cannot be read any further; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass
class Composer:
    """Builds the tree of the one document in a text. An alias is the node of its anchor, shared.

    The parser of PyYAML gives events one by one, so depth and number are bounded before they cost.
    """

    source: SourceText
    problems: list[Problem] = field(default_factory=list)
    _anchors: dict[str, Node | None] = field(default_factory=dict)
    _count: int = 0

    def compose(self) -> Node | None:
        """Return the root, or None for an empty text; raise Refused or yaml.YAMLError."""
        events = iter(yaml.parse(self.source.text, Loader=_LOADER))
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self._refused(
                        event,
                        "a second YAML document begins here",
                        "keep one in each file: drop '---'",
                    )
                root = self._node(next(events), events, 0)
        return root

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        self._count += 1
        if self._count > MAX_NODES:
            raise self._refused(event, f"more than {MAX_NODES:,} entries", "split it by include")
        if depth > MAX_DEPTH:
            raise self._refused(event, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        node = Node(_start(event), _end(event))
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None  # open: an alias to it from inside would be endless
        self._refuse_tag(event)
        if isinstance(event, yaml.ScalarEvent):
            node.text, node.style, node.plain = event.value, event.style or "", event.implicit[0]
        elif isinstance(event, yaml.SequenceStartEvent):
            node.items = self._items(node, events, depth)
        else:
            node.pairs = self._pairs(node, events, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _items(self, node: Node, events: Iterator[yaml.Event], depth: int) -> list[Node]:
        items = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                node.end = _end(event)
                break
            items.append(self._node(event, events, depth + 1))
        return items

    def _pairs(
        self, node: Node, events: Iterator[yaml.Event], depth: int
    ) -> list[tuple[Node, Node]]:
        pairs = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                node.end = _end(event)
                break
            key = self._node(event, events, depth + 1)
            pairs.append((key, self._node(next(events), events, depth + 1)))
        return pairs

    def _alias(self, event: yaml.AliasEvent) -> Node:
        name = event.anchor
        if name not in self._anchors:
            raise self._refused(
                event,
                f"the alias *{name} has no anchor &{name} before it",
                _anchors_hint(self._anchors),
            )
        node = self._anchors[name]
        if node is None:
            raise self._refused(event, f"the alias *{name} stands inside of its own anchor &{name}")
        return node

    def _refuse_tag(self, event: yaml.Event) -> None:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!", "tag:yaml.org,2002:str"):
            where = self.source.place(_start(event))
            name = tag.replace("tag:yaml.org,2002:", "!!")
            self.problems.append(
                Problem(where, f"the tag {name} is not supported", "write the value without it")
            )

    def _refused(self, event: yaml.Event, what: str, hint: str = "") -> Refused:
        return Refused(Problem(self.source.place(_start(event)), what, hint))


def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark else 0


def _anchors_hint(anchors: dict[str, Node | None]) -> str:
    if not anchors:
        return "text that begins with * must be in quotes"
    return "anchors so far: " + ", ".join(f"&{name}" for name in list(anchors)[:8])
