"""Rules about what is gone from the source, and facts that come before their members."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.model import Deletes, Dimension, Entry, Fact, Star


def deletes_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find policies for deletes that the entry cannot follow, and limits of nothing."""
    for entry in star.entries:
        deletes = entry.source.deletes if entry.source else None
        if deletes is not None:
            yield from _impossible(star, entry, deletes, document)


def rows_can_wait(star: Star, document: Document) -> Iterator[Problem]:
    """Find lookups that hold rows where none can wait, or by whose key a newer row would be recognised."""
    for entry in star.entries:
        for lookup in entry.lookups:
            if lookup.missing != "hold":
                continue
            path = f"{lookup.path}.missing"
            if isinstance(entry, Dimension):
                what = "missing: hold is for facts"
                yield document.problem(path, what, "set missing: unknown, reject or fail")
            elif isinstance(entry, Fact) and lookup in entry.dense:
                what = f"missing: hold, but '{lookup.column}' is of dense, whose rows cannot wait"
                yield document.problem(path, what, "set missing: unknown, infer, reject or fail")
            elif isinstance(entry, Fact) and lookup.column in entry.grain:
                what = f"missing: hold, but '{lookup.column}' of the grain is what a row waits for"
                yield document.problem(path, what, "name columns of the query as the grain")


def members_can_be_inferred(star: Star, document: Document) -> Iterator[Problem]:
    """Find lookups that would make members where there can be none but those that are there."""
    dimensions = {dimension.name: dimension for dimension in star.dimensions}
    for entry in star.entries:
        for lookup in entry.lookups:
            dimension = dimensions.get(lookup.dimension)
            if lookup.missing != "infer" or dimension is None:
                continue
            path = f"{lookup.path}.missing"
            # What is of the grain cannot wait (rows_can_wait).
            hold = "" if isinstance(entry, Fact) and lookup.column in entry.grain else " hold,"
            if isinstance(entry, Dimension):
                what = "missing: infer is for facts"
                yield document.problem(path, what, "set missing: unknown, reject or fail")
            elif dimension.generated:
                kind, has = ("calendar", "days") if dimension.calendar else ("clock", "times")
                what = f"missing: infer, but {dimension.name} is a {kind}, which has all its {has}"
                yield document.problem(path, what, f"set missing: unknown,{hold} reject or fail")
            elif dimension.junk:
                what = (
                    f"missing: infer, but the members of {dimension.name} are made of rows already"
                )
                yield document.problem(
                    path, what, "drop it: junk has a member for each combination"
                )
            elif dimension.history and dimension.history.first == "effective":
                what = (
                    f"missing: infer, but {dimension.name} says first: effective: before its first "
                    "version a member is nobody, also for a fact that comes early"
                )
                yield document.problem(
                    path, what, f"set first: beginning, or missing: unknown,{hold} reject or fail"
                )


def _impossible(
    star: Star, entry: Entry, deletes: Deletes, document: Document
) -> Iterator[Problem]:
    policy, path = deletes.policy, deletes.path
    at = document.text_path(path, "policy")
    if entry.load == "replace":
        if policy not in {"", "remove"}:
            what = f"deletes: {policy}, but load: replace deletes what is gone"
            yield document.problem(at, what, "set load: upsert, or give deletes a max alone")
        return
    if policy == "":
        hint = "add policy: flag, close or remove"
        yield document.problem(path, "a max of deletes, but no policy", hint)
    elif policy == "ignore" and f"{path}.max" in document.spans:
        what = "a max, but policy: ignore leaves everything as it is"
        yield document.problem(f"{path}.max", what, "drop it, or choose flag, close or remove")
    elif policy == "close" and isinstance(entry, Fact):
        what = "deletes: close, but the rows of a fact have no versions"
        yield document.problem(at, what, "set flag or remove")
    elif policy == "close" and isinstance(entry, Dimension) and entry.history is None:
        what = f"deletes: close, but {entry.name} has no history"
        hint = "say scd: 2 at the columns whose changes are kept, or set flag or remove"
        yield document.problem(at, what, hint)
    if policy not in {"", "ignore"} and isinstance(entry, Fact):
        yield from _moving_grain(star, entry, path, document)


def _moving_grain(star: Star, fact: Fact, path: str, document: Document) -> Iterator[Problem]:
    """Find a grain by which a row would seem gone as soon as a member has another version."""
    versioned = {dimension.name for dimension in star.dimensions if dimension.history}
    for lookup in fact.lookups:
        if lookup.column in fact.grain and lookup.dimension in versioned and lookup.as_of is None:
            what = (
                f"deletes, but '{lookup.column}' of the grain changes with each version of a member"
            )
            yield document.problem(path, what, f"give {lookup.path} an as_of")
