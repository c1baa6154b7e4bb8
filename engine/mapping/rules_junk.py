"""Rules about junk dimensions: what they are made of, and which words mean nothing there."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.document import Document
from engine.mapping.model import Dimension, Star
from engine.mapping.rules_entries import below_unknown_key

MEANINGLESS = {
    "natural_key": "its natural key is all of its columns",
    "load": "its members are only ever added to",
    "history": "another combination is another member",
    "lookups": "look up in the entry that it is made of",
    "cache": "its members are looked up by the warehouse alone",
}


def junk_is_made_of_rows(star: Star, document: Document) -> Iterator[Problem]:
    """Find junk of nothing, of what has no query, and without columns."""
    entries = {entry.name: entry for entry in star.entries}
    known = [entry.name for entry in star.entries if entry.source]
    for dimension in star.dimensions:
        for at, name in enumerate(dimension.junk):
            path = document.item_path(f"{dimension.path}.junk", name, at)
            entry = entries.get(name)
            if entry is None and not _broken(name, document):
                hint = did_you_mean(name, known)
                yield document.problem(path, f"no dimension or fact named '{name}'", hint)
            elif entry is not None and entry.source is None:
                what = f"'{name}' has no query, whose rows a junk dimension could be made of"
                yield document.problem(path, what, did_you_mean(name, known))
        if dimension.junk and not dimension.columns:
            what = "junk, but no columns"
            hint = "add columns: the flags whose combinations are the members"
            yield document.problem(f"{dimension.path}.junk", what, hint)


def _broken(name: str, document: Document) -> bool:
    """Say whether an entry is there with problems of its own, or below a key that is not known."""
    there = any(f"{part}.{name}" in document.spans for part in ("dimensions", "facts"))
    return there or below_unknown_key(name, document)


def junk_words_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find words that a junk dimension gives no meaning to."""
    for dimension in star.dimensions:
        if not dimension.junk:
            continue
        for word, why in MEANINGLESS.items():
            path = f"{dimension.path}.{word}"
            if path in document.spans:
                what = f"{word}, but {dimension.name} is a junk dimension"
                yield Problem(document.key_place(path), what, f"drop it: {why}")
        yield from _columns(dimension, document)
        for check in dimension.checks:
            if check.reject:
                what = "on_failure: reject, but a row whose combination is missing finds no member"
                hint = f"put the check into {dimension.junk[0]}"
                yield document.problem(f"{check.path}.on_failure", what, hint)


def _columns(dimension: Dimension, document: Document) -> Iterator[Problem]:
    for column in dimension.columns:
        for word, given in (("scd", column.scd != 1), ("previous", bool(column.previous))):
            if given:
                what = f"{word}, but {dimension.name} is a junk dimension"
                hint = f"drop it: {MEANINGLESS['history']}"
                yield document.problem(f"{column.path}.{word}", what, hint)


def lookups_say_what(star: Star, document: Document) -> Iterator[Problem]:
    """Find lookups without `on`, but for those of a junk dimension in an entry that it is made of."""
    dimensions = {dimension.name: dimension for dimension in star.dimensions}
    for entry in star.entries:
        for lookup in entry.lookups:
            dimension = dimensions.get(lookup.dimension)
            if lookup.on or dimension is None or entry.name in dimension.junk:
                continue
            what, keys = "the key 'on' is missing", dimension.natural_key
            hint = f"such as on: {keys[0]}"
            if len(keys) > 1 or dimension.generated:
                hint = "write on: {" + ", ".join(f"{name}: ..." for name in keys) + "}"
            if dimension.junk:
                hint = f"give an expression for each column, or add {entry.name} to {dimension.path}.junk"
            yield document.problem(lookup.path, what, hint)
