"""Rules about aggregates: the fact they add up, what its rows are grouped by, and how that is found."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Aggregate, Fact, Group, Star
from engine.mapping.rules_entries import below_unknown_key


def aggregates_add_up_a_fact(star: Star, document: Document) -> Iterator[Problem]:
    """Find aggregates of no fact, and groups by what the fact has not."""
    facts = {fact.name: fact for fact in star.facts}
    for aggregate in star.aggregates:
        fact = facts.get(aggregate.fact)
        if fact is None:
            yield from _no_fact(aggregate, facts, document)
            continue
        for group in aggregate.by:
            yield from _group(star, fact, group, document)
        for column in aggregate.columns:
            if column.expr is None and column.name not in aggregate.grain:
                what = f"'{column.name}' has no expression, and a group has many values of it"
                hint = f"say which: {column.name}: sum({column.name})"
                yield Problem(document.key_place(column.path), what, hint)
        for check in aggregate.checks:
            if check.reject:
                what = "on_failure: reject, but a group is no row of a source"
                yield document.problem(
                    f"{check.path}.on_failure", what, "check the rows of the fact"
                )


def _no_fact(aggregate: Aggregate, facts: dict[str, Fact], document: Document) -> Iterator[Problem]:
    given = document.data.get("facts")
    if isinstance(given, dict) and aggregate.fact in given:
        return  # it has problems of its own
    if below_unknown_key(aggregate.fact, document):
        return
    what = f"no fact named '{aggregate.fact}'"
    hint = did_you_mean(aggregate.fact, facts) or "there are none: add it under facts"
    yield document.problem(f"{aggregate.path}.fact", what, hint)


def _group(star: Star, fact: Fact, group: Group, document: Document) -> Iterator[Problem]:
    if not group.lookup:
        own = [*(x.column for x in fact.lookups), *(column.name for column in fact.columns)]
        if group.column not in own:
            what = f"{fact.name} has no column '{group.column}'"
            path = document.text_path(group.path, "column")
            yield document.problem(path, what, did_you_mean(group.column, own))
        return
    lookups = {lookup.column: lookup for lookup in fact.lookups}
    lookup = lookups.get(group.lookup)
    if lookup is None:
        what = f"{fact.name} has no lookup '{group.lookup}'"
        yield document.problem(f"{group.path}.lookup", what, did_you_mean(group.lookup, lookups))
        return
    if lookup.key == "durable":
        what = f"'{group.lookup}' is a durable key, which many versions of a member share"
        yield document.problem(f"{group.path}.lookup", what, "group by the durable key itself")
        return
    known = {dimension.name: dimension for dimension in star.dimensions}
    if lookup.dimension in known:
        dimension = known[lookup.dimension]
        theirs = [dimension.key, *(column.name for column in dimension.columns)]
        if group.column not in theirs:
            what = f"{dimension.name} has no column '{group.column}'"
            path = document.text_path(group.path, "column")
            yield document.problem(path, what, did_you_mean(group.column, theirs))
