"""Rules about accumulating snapshots: milestones that can be kept, and lags between them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Fact, Lag, Star


def milestones_are_kept(star: Star, document: Document) -> Iterator[Problem]:
    """Find milestones where nothing accumulates, none where something does, and those that cannot be kept."""
    for fact in star.facts:
        if fact.load == "accumulate" and not fact.milestones:
            what = "load: accumulate, but there are no milestones"
            hint = "name the columns with the times that a row passes: milestones: [ordered_at, shipped_at]"
            yield document.problem(f"{fact.path}.load", what, hint)
        for word, given in (("milestones", fact.milestones), ("lags", fact.lags)):
            if given and fact.load != "accumulate":
                what = f"{word}, but load: {fact.load} keeps no milestone"
                yield document.problem(
                    f"{fact.path}.{word}", what, "set load: accumulate, or drop them"
                )
        for at, name in enumerate(fact.milestones):
            yield from _kept(
                fact, name, document.item_path(f"{fact.path}.milestones", name, at), document
            )


def _kept(fact: Fact, name: str, path: str, document: Document) -> Iterator[Problem]:
    lags = {lag.path for lag in fact.lags}
    own = {column.name: column for column in fact.columns if column.path not in lags}
    column = own.get(name)
    if column is None:
        what = f"{fact.name} has no column '{name}'"
        hint = did_you_mean(name, own)
        add = f"add it to {fact.path}.columns"
        yield document.problem(path, what, hint if hint.startswith("did") else add)
    elif column.expr or column.type:
        what = f"the milestone '{name}' is computed, and is to be kept where the query has none"
        hint = "compute it in the query, so that the column is a copy"
        yield document.problem(path, what, hint)
    elif name in fact.grain:
        what = f"'{name}' is of the grain, which every row has from the beginning"
        yield document.problem(path, what, "take it out of the milestones")


def lags_lie_between_milestones(star: Star, document: Document) -> Iterator[Problem]:
    """Find lags from or to what is no milestone, or from one to itself."""
    for fact in star.facts:
        for lag in fact.lags if fact.load == "accumulate" else ():
            yield from _ends(fact, lag, document)


def _ends(fact: Fact, lag: Lag, document: Document) -> Iterator[Problem]:
    for word, name in (("from", lag.start), ("to", lag.end)):
        if name not in fact.milestones:
            what = f"'{name}' is no milestone of {fact.name}"
            yield document.problem(f"{lag.path}.{word}", what, did_you_mean(name, fact.milestones))
    if lag.start == lag.end:
        what = f"from '{lag.start}' to itself nothing passes"
        yield document.problem(f"{lag.path}.to", what, "name another milestone")
