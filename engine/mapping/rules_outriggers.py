"""Rules about dimensions that look up dimensions: which comes first, and what does not grow old."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.model import Lookup, Star
from engine.mapping.order import cycles


def dimensions_have_an_order(star: Star, document: Document) -> Iterator[Problem]:
    """Find dimensions that look each other up in a circle, so that none of them can be loaded first."""
    needs = {d.name: [x.dimension for x in d.lookups] for d in star.dimensions}
    for circle in cycles(needs):
        first, second = circle[0], circle[1 % len(circle)]
        lookups = star.dimension(first).lookups
        path = next(lookup.path for lookup in lookups if lookup.dimension == second)
        if len(circle) == 1:
            what = f"{first} looks up itself, and its members have no keys yet when it is loaded"
            yield Problem(document.key_place(path), what, "drop this lookup")
            continue
        pairs = zip(circle, (*circle[1:], first), strict=True)
        told = ", ".join(f"{one} looks up {other}" for one, other in pairs)
        what = f"a circle, in which no dimension can be loaded first: {told}"
        yield Problem(document.key_place(path), what, "drop one of these lookups")


def outriggers_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find lookups in a calendar, and those of versions that the member would keep when they are past."""
    dimensions = {dimension.name: dimension for dimension in star.dimensions}
    for dimension in star.dimensions:
        for lookup in dimension.lookups:
            outrigger = dimensions.get(lookup.dimension)
            if dimension.calendar:
                what = "lookups, but a calendar has no query that says what to look up"
                yield Problem(document.key_place(lookup.path), what, "drop it")
            elif outrigger and outrigger.history and _grows_old(lookup):
                what = (
                    f"{outrigger.name} has a history, and a member that is not read again would keep "
                    "the key of a version that is past"
                )
                hint = "say as_of: the time whose version is meant, or key: durable"
                yield document.problem(f"{lookup.path}.dimension", what, hint)


def _grows_old(lookup: Lookup) -> bool:
    return lookup.as_of is None and lookup.key == "surrogate"
