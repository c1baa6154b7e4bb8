"""In which order dimensions are loaded: what one looks up comes before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

Needs = Mapping[str, Sequence[str]]


def in_order(needs: Needs) -> tuple[str, ...]:
    """Return the names, each after those that it needs; else as they were given.

    Names that need each other have no such order; they come as they were given.
    """
    placed: dict[str, None] = {}

    def place(name: str, above: tuple[str, ...]) -> None:
        if name in placed or name in above:
            return
        for needed in needs[name]:
            if needed in needs:
                place(needed, (*above, name))
        placed[name] = None

    for name in needs:
        place(name, ())
    return tuple(placed)


def cycles(needs: Needs) -> Iterator[tuple[str, ...]]:
    """Return names that need each other in a circle, each circle once; the first needs the second."""
    seen: set[str] = set()
    for start in needs:
        path: list[str] = []
        if start not in seen:
            yield from _circles(start, needs, path, seen)


def _circles(name: str, needs: Needs, path: list[str], seen: set[str]) -> Iterator[tuple[str, ...]]:
    if name in path:
        yield tuple(path[path.index(name) :])
        return
    if name in seen:
        return
    path.append(name)
    for needed in needs[name]:
        if needed in needs:
            yield from _circles(needed, needs, path, seen)
    path.pop()
    seen.add(name)
