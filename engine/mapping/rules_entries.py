"""Rules about dimensions and facts: keys are loaded, lookups find exactly one, loads fit."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem, did_you_mean
from engine.mapping.calendar import ALL_COLUMNS
from engine.mapping.clock import generated_columns
from engine.mapping.country import holiday_faults, locale_faults
from engine.mapping.document import Document
from engine.mapping.include import SECTIONS
from engine.mapping.model import Dimension, Fact, Lookup, SpecialMember, Star

_MAX_CALENDAR_YEARS = 400


def keys_are_loaded(star: Star, document: Document) -> Iterator[Problem]:
    """Find natural key columns that are no columns, and grain that is no column or lookup."""
    for entry in star.entries:
        columns = [column.name for column in entry.columns]
        if isinstance(entry, Dimension):
            word, wanted = "natural_key", entry.natural_key
        else:
            word, wanted = "grain", entry.grain
            columns += [lookup.column for lookup in entry.lookups]
        for at, name in enumerate(wanted):
            if name not in columns:
                path = _item(document, f"{entry.path}.{word}", at)
                what = f"'{name}' is not loaded"
                hint = did_you_mean(name, columns)
                add = f"add it to {entry.path}.columns"
                yield document.problem(path, what, hint if hint.startswith("did") else add)


def calendars_are_possible(star: Star, document: Document) -> Iterator[Problem]:
    """Find calendars that run backwards or too long, and columns that they do not have."""
    for dimension in star.dimensions:
        calendar = dimension.calendar
        if calendar is None:
            continue
        if calendar.start > calendar.end:
            what = f"the last day {calendar.end} is before the first, {calendar.start}"
            yield document.problem(f"{calendar.path}.to", what, "exchange from and to")
        elif calendar.end.year - calendar.start.year > _MAX_CALENDAR_YEARS:
            what = f"the calendar is longer than {_MAX_CALENDAR_YEARS} years"
            yield document.problem(f"{calendar.path}.to", what, "one row is made for each day")


def generated_columns_exist(star: Star, document: Document) -> Iterator[Problem]:
    """Find columns that a calendar or a clock does not have."""
    for dimension in star.dimensions:
        if dimension.generated is None:
            continue
        kind = "calendar" if dimension.calendar else "clock"
        names = [column.name for column in generated_columns(dimension)]
        for column in dimension.columns:
            if column.expr is None and column.name not in names:
                what = f"a {kind} has no column '{column.name}'"
                close = did_you_mean(column.name, names)
                hint = close or "give it an expression over " + ", ".join(names)
                known = ALL_COLUMNS if dimension.calendar else ()
                word = next((c.description for c in known if c.name == column.name), "")
                missing = word.partition(":")[0].removeprefix("With ")
                yield Problem(
                    document.key_place(column.path), what, f"add {missing} to it" if word else hint
                )


def countries_are_known(star: Star, document: Document) -> Iterator[Problem]:
    """Find languages of names and countries of holidays that nobody knows."""
    for dimension in star.dimensions:
        calendar = dimension.calendar
        if calendar is None:
            continue
        for _, what, hint in locale_faults(calendar.locale):
            yield document.problem(f"{calendar.path}.locale", what, hint)
        for key, what, hint in holiday_faults(calendar.holidays) if calendar.holidays else ():
            path = f"{calendar.path}.holidays"
            yield document.problem(f"{path}.{key}" if key else path, what, hint)


def clocks_are_possible(star: Star, document: Document) -> Iterator[Problem]:
    """Find parts of a day that begin at one time, and special members that have the key of midnight."""
    for dimension in star.dimensions:
        clock = dimension.clock
        if clock is None:
            continue
        taken: dict[str, str] = {}
        for name, begin in clock.day_parts:
            if begin in taken:
                what = f"'{taken[begin]}' begins at {begin} too"
                yield document.problem(f"{clock.path}.day_parts.{name}", what, "one ends there")
            taken.setdefault(begin, name)
        for member in dimension.special_members:
            if member.key == 0:
                what = "0 is the key of midnight"
                yield document.problem(f"{member.path}.key", what, "give it one below zero")


def special_members_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find special members that share a key or name columns that are not there."""
    for dimension in star.dimensions:
        taken: dict[int, str] = {}
        columns = [column.name for column in dimension.columns]
        columns += [lookup.column for lookup in dimension.lookups]
        for member in dimension.special_members:
            if member.key in taken:
                what = f"the key {member.key} is that of '{taken[member.key]}' too"
                yield document.problem(f"{member.path}.key", what, "give each member its own")
            taken.setdefault(member.key, member.name)
            yield from _unknown_columns(dimension, member, columns, document)


def _unknown_columns(
    dimension: Dimension, member: SpecialMember, columns: list[str], document: Document
) -> Iterator[Problem]:
    for name, _ in member.values:
        if name not in columns:
            what = f"{dimension.name} has no column '{name}'"
            where = document.key_place(f"{member.path}.{name}")
            yield Problem(where, what, did_you_mean(name, columns))


def lookups_find_one(star: Star, document: Document) -> Iterator[Problem]:
    """Find lookups of no dimension, of a part of its key (TRAPS 27), or without a fallback."""
    dimensions = {dimension.name: dimension for dimension in star.dimensions}
    for lookup in (lookup for entry in star.entries for lookup in entry.lookups):
        if lookup.dimension in dimensions:
            dimension = dimensions[lookup.dimension]
            if lookup.on:
                yield from _whole_key(lookup, dimension, document)
                yield from _missing_member(lookup, dimension, document)
            if lookup.null:
                yield from _null_member(lookup, dimension, document)
        else:
            yield from unknown_dimension(f"{lookup.path}.dimension", lookup.dimension, document)


def unknown_dimension(path: str, name: str, document: Document) -> Iterator[Problem]:
    """Say that there is no dimension of a name, unless it is there with problems of its own.

    One is that a key such as `dimension`, which is not known, stands above it.
    """
    known = document.data.get("dimensions")
    known = known if isinstance(known, dict) else {}
    if name in known or below_unknown_key(name, document):
        return
    facts = document.data.get("facts")
    hint = did_you_mean(name, known) or "there are none: add it under dimensions"
    if isinstance(facts, dict) and name in facts:
        hint = f"'{name}' is a fact"
    yield document.problem(path, f"no dimension named '{name}'", hint)


def below_unknown_key(name: str, document: Document) -> bool:
    """Return whether an entry of this name stands below a key of the top that the language does not know."""
    return any(
        isinstance(value, dict) and name in value
        for key, value in document.data.items()
        if key not in SECTIONS
    )


def _whole_key(lookup: Lookup, dimension: Dimension, document: Document) -> Iterator[Problem]:
    path = f"{lookup.path}.on"
    wanted = ", ".join(dimension.natural_key)
    form = "{" + ", ".join(f"{name}: ..." for name in dimension.natural_key) + "}"
    given = [name for name, _ in lookup.on]
    if given == [""]:
        what = f"one expression for the natural key of {dimension.name}, which is {wanted}"
        yield document.problem(path, what, f"write on: {form}")
        return
    for name in given:
        if name not in dimension.natural_key:
            what = f"'{name}' is not in the natural key of {dimension.name}, which is {wanted}"
            yield Problem(document.key_place(f"{path}.{name}"), what, f"write on: {form}")
    left = [name for name in dimension.natural_key if name not in given]
    if left and all(name in dimension.natural_key for name in given):
        what = f"the natural key of {dimension.name} has {', '.join(left)} too"
        yield document.problem(
            path, what, f"a part of it may find several members; write on: {form}"
        )


def _missing_member(lookup: Lookup, dimension: Dimension, document: Document) -> Iterator[Problem]:
    members = [member.name for member in dimension.special_members]
    if lookup.missing in {"unknown", "hold", "infer"} and "unknown" not in members:
        path = f"{lookup.path}.missing"
        what = f"missing: {lookup.missing}, but {dimension.name} has no special member 'unknown'"
        close = next((member for member in members if member.lower() == "unknown"), "")
        hint = (
            f"rename '{close}' to 'unknown'"
            if close
            else (
                f"add special_members: {{unknown: {{key: -1}}}} to {dimension.path}, "
                "or set missing: reject or fail"
            )
        )
        yield document.problem(path, what, hint)


def _null_member(lookup: Lookup, dimension: Dimension, document: Document) -> Iterator[Problem]:
    path, members = f"{lookup.path}.null", [member.name for member in dimension.special_members]
    if dimension.junk:
        what = f"null, but NULL is a value like another in {dimension.name}, a junk dimension"
        yield document.problem(path, what, "drop it: a combination with NULL has its own member")
    elif lookup.null not in members:
        what = f"{dimension.name} has no special member '{lookup.null}'"
        key = min([member.key for member in dimension.special_members], default=0) - 1
        add = f"add {lookup.null}: {{key: {key}}} to {dimension.path}.special_members"
        yield document.problem(path, what, did_you_mean(lookup.null, members) or add)


def loads_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find a replace that does not read everything; only a replace can empty a table."""
    for entry in star.entries:
        source = entry.source
        if source is None:
            continue
        if entry.load == "replace" and source.cursor is not None:
            what = "a cursor, but load: replace must read every row"
            hint = "drop the cursor, or set load: upsert"
            yield document.problem(source.cursor.path, what, hint)
        if isinstance(entry, Fact) and entry.snapshot:
            continue  # whose load can only be that of a snapshot
        if entry.load not in ("replace", "snapshot") and source.allow_empty:
            default = "" if f"{entry.path}.load" in document.spans else ", the default,"
            what = f"allow_empty, but load: {entry.load}{default} never empties a table"
            yield document.problem(
                f"{source.path}.allow_empty", what, "drop it, or set load: replace"
            )


def caches_fit(star: Star, document: Document) -> Iterator[Problem]:
    """Find caches of a calendar, which anybody can compute, and caches that keep nothing."""
    for dimension in star.dimensions:
        cache = dimension.cache
        if cache and dimension.generated:
            kind = "days of a calendar" if dimension.calendar else "times of a clock"
            what = f"a cache, but the {kind} never change"
            yield document.problem(cache.path, what, "drop it: only a source's members are cached")
        elif cache and cache.ttl == 0:
            what = "a ttl of nothing keeps no member"
            yield document.problem(
                f"{cache.path}.ttl", what, "give a duration such as 1d, or drop the cache"
            )


def cursors_differ(star: Star, document: Document) -> Iterator[Problem]:
    """Find a column that is named twice among the cursors of a source."""
    for entry in star.entries:
        taken: set[str] = set()
        for cursor in entry.source.cursors if entry.source else ():
            if cursor.column in taken:
                what = f"'{cursor.column}' is a cursor of this source already"
                yield document.problem(cursor.path, what, "name each column once")
            taken.add(cursor.column)


def dedupe_sees_all_rows(star: Star, document: Document) -> Iterator[Problem]:
    """Find a dedupe with a cursor whose key is computed: the source cannot be asked for the rows of a key."""
    for entry in star.entries:
        source = entry.source
        if source is None or source.dedupe is None or source.cursor is None:
            continue
        computed = [column.name for column in entry.columns if column.expr is not None]
        computed += [lookup.column for lookup in entry.lookups]
        word = "natural_key" if isinstance(entry, Dimension) else "grain"
        keys = entry.natural_key if isinstance(entry, Dimension) else entry.grain
        for name in keys:
            if name in computed:  # one that is not there at all is told by keys_are_loaded
                what = f"dedupe with a cursor, but '{name}' of the {word} is no column of the query"
                hint = (
                    "every row of a key that changed is read again, so that the same one wins: "
                    "compute it in the query, or drop the cursor"
                )
                yield document.problem(f"{source.path}.dedupe", what, hint)


def _item(document: Document, path: str, at: int) -> str:
    item = f"{path}.{at}"
    return item if item in document.spans else path
