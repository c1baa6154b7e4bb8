"""Try whether the warehouse can compare the types that keys, lookups and checks compare."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database.ask import ask
from engine.errors import Problem
from engine.mapping.document import Document
from engine.mapping.model import Check, Column, Dimension, Entry, Fact, Lookup, Star
from engine.mapping.rules_history import kept_time
from engine.plan.shape import AS_OF, EFFECTIVE, key_type, match_columns, probe_name
from engine.sql.quote import Fragment, type_name
from engine.values import dataclass

NUMBERS = (
    *("smallint", "integer", "bigint", "numeric", "real", "double precision"),
    *("money", "interval"),
)
TIMES = ("date", "timestamp without time zone", "timestamp with time zone")
TEXT_HINT = "give the column an expression that makes a text of it, or compare another one"

Types = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Trial:
    """A query that is refused when something cannot be compared, and the problem that this is."""

    sql: str
    path: str
    what: str
    hint: str


def comparison_problems(
    star: Star,
    entries: Collection[Entry],
    types: Types,
    document: Document,
    warehouse: Connection,
) -> Iterator[Problem]:
    """Find what cannot be compared in some entries; `types` are of their columns and looked-up values.

    What has no type, because it was refused already, is passed over.
    """
    trials: list[Trial] = []
    for entry in entries:
        known = {**types.get(entry.name, {}), **_keys(star, entry)}
        yield from _history_problems(entry, known, document)
        yield from _kept_problems(star, entry, known, types, document)
        yield from _measure_problems(entry, known, document)
        yield from _junk_problems(entry, known, document)
        yield from _milestone_problems(entry, known, document)
        trials += _key_trials(entry, known, document)
        trials += _hierarchy_trials(entry, known, document)
        trials += _bridge_trials(entry, known)
        for check in entry.checks:
            trials += _check_trials(star, check, known, document)
            yield from _time_problems(check, known, document)
        for lookup in entry.lookups:
            trials += _lookup_trials(star, lookup, known, types, document)
    yield from _refused(trials, document, warehouse)


def _bridge_trials(entry: Entry, known: Mapping[str, str]) -> Iterator[Trial]:
    """Try whether the weights of a bridge have a sum."""
    bridge = entry.bridge if isinstance(entry, Fact) else None
    if bridge and bridge.weight in known:
        type_ = known[bridge.weight]
        yield Trial(
            f"select sum({_null(type_)})::numeric - 1 > {_null(type_)}",
            f"{bridge.path}.weight",
            f"'{bridge.weight}' is {type_}, and weights are numbers",
            "give the column a numeric type",
        )


def _hierarchy_trials(
    entry: Entry, known: Mapping[str, str], document: Document
) -> Iterator[Trial]:
    """Try whether a member's key can be compared with what another one has as its parent's."""
    hierarchy = entry.hierarchy if isinstance(entry, Dimension) else None
    for own, above in hierarchy.parent if hierarchy else ():
        if own in known and above in known and hierarchy:
            path = f"{hierarchy.path}.parent"
            yield Trial(
                f"select {_null(known[own])} = {_null(known[above])}",
                document.item_path(path, own, 0),
                f"'{above}' is {known[above]}: {known[above]} cannot be compared with "
                f"{entry.name}.{own}, which is {known[own]}",
                f"give the column {above} the type {known[own]}",
            )


def _refused(trials: list[Trial], document: Document, warehouse: Connection) -> Iterator[Problem]:
    """Try all at once, and one by one when one of them is refused."""
    if not trials:
        return
    try:
        ask(warehouse, "select " + ", ".join(f"exists ({one.sql})" for one in trials)).close()
    except DBAPIError:
        for one in trials:
            try:
                ask(warehouse, one.sql).close()
            except DBAPIError:
                yield document.problem(one.path, one.what, one.hint)


def _keys(star: Star, entry: Entry) -> dict[str, str]:
    """Return the types of the key columns that the engine fills."""
    names = (entry.key, entry.durable_key) if isinstance(entry, Dimension) else ()
    keys = {name: key_type(entry) for name in names if isinstance(entry, Dimension)}
    return keys | {x.column: key_type(star.dimension(x.dimension)) for x in entry.lookups}


def _key_trials(entry: Entry, known: Mapping[str, str], document: Document) -> Iterator[Trial]:
    """Try the order of each key column, which a unique index needs."""
    for at, name in enumerate(match_columns(entry)):
        if name in known:
            yield Trial(
                f"select from (select {_null(known[name])} as c) as q order by c",
                _key_path(entry, name, at, document),
                f"'{name}' is {known[name]}, which has no order, and a key needs one",
                TEXT_HINT,
            )


def _key_path(entry: Entry, name: str, at: int, document: Document) -> str:
    """Return the path of a key column: as the key names it, or of a junk dimension as a column."""
    if isinstance(entry, Dimension) and entry.junk:
        return f"{entry.path}.columns.{name}"
    word = "natural_key" if isinstance(entry, Dimension) else "grain"
    return document.item_path(f"{entry.path}.{word}", name, at)


def _junk_problems(entry: Entry, known: Mapping[str, str], document: Document) -> Iterator[Problem]:
    """Find lists in a junk dimension: an array of nothing and an empty array would be one value."""
    for name in entry.natural_key if isinstance(entry, Dimension) and entry.junk else ():
        if known.get(name, "").endswith("[]"):
            what = f"'{name}' is {known[name]}, and a junk dimension holds single values"
            hint = f"make a text of it: {name}: array_to_string({name}, ',')"
            yield document.problem(f"{entry.path}.columns.{name}", what, hint)


def _check_trials(
    star: Star, check: Check, known: Mapping[str, str], document: Document
) -> Iterator[Trial]:
    """Try the comparison that a check makes with each of its columns."""
    for at, name in enumerate(check.columns):
        if name not in known or check.kind not in ("unique", "accepted", "range", "references"):
            continue
        own = _null(known[name])
        what, hint = f"'{name}' is {known[name]}, whose values cannot be compared", TEXT_HINT
        sql = f"select {own} {'<' if check.kind == 'range' else '='} {own}"
        if check.kind == "unique":
            sql = f"select from (select {own} as c) as q group by c"
        elif check.kind == "references":
            dimension = star.dimension(check.dimension)
            theirs = key_type(dimension)
            sql = f"select {own} = {_null(theirs)}"
            what = (
                f"'{name}' is {known[name]}, which cannot be compared with "
                f"{dimension.name}.{dimension.key}, which is {theirs}"
            )
            hint = "check the column that holds the key, or cast this one"
        yield Trial(sql, document.item_path(f"{check.path}.{check.kind}", name, at), what, hint)


def _time_problems(check: Check, known: Mapping[str, str], document: Document) -> Iterator[Problem]:
    """Find checks of freshness on what is no time."""
    for at, name in enumerate(check.columns if check.kind == "freshness" else ()):
        if name in known and _family(known[name]) not in TIMES:
            yield document.problem(
                document.item_path(f"{check.path}.freshness", name, at),
                f"'{name}' is {known[name]}, and freshness needs a date or a timestamp",
                "give the column an expression that makes one of it, or check another one",
            )


def _history_problems(
    entry: Entry, known: Mapping[str, str], document: Document
) -> Iterator[Problem]:
    """Find times of versions, and of facts that look them up, that are no times."""
    asked: list[tuple[str, str]] = []
    if isinstance(entry, Dimension) and entry.history and entry.history.effective:
        asked.append((EFFECTIVE, f"{entry.history.path}.effective"))
    asked += [(probe_name(x, AS_OF), f"{x.path}.as_of") for x in entry.lookups if x.as_of]
    for name, path in asked:
        if name in known and _family(known[name]) not in TIMES:
            what = f"the expression is {known[name]}, and versions need a date or a timestamp"
            yield document.problem(path, what, "cast it, or name another column")


def _kept_problems(
    star: Star, entry: Entry, known: Mapping[str, str], types: Types, document: Document
) -> Iterator[Problem]:
    """Find times of events that are kept as less than they are: of a day, rows get the version of midnight.

    One that is kept as no time at all cannot be compared with versions.
    """
    for lookup in entry.lookups:
        asked = known.get(probe_name(lookup, AS_OF), "")
        if not asked or lookup.key == "durable":
            continue
        kept = kept_time(star, entry, lookup)
        name = kept.name if isinstance(kept, Column) else kept.column if kept else ""
        type_ = "date" if isinstance(kept, Lookup) else known.get(name, "")
        versions = types.get(lookup.dimension, {}).get(EFFECTIVE, "timestamp with time zone")
        if type_ and _family(asked) in TIMES and _less(type_, asked, versions):
            tells = "tells the day alone" if type_ == "date" else f"is {type_}"
            what = f"this time is {asked}, and '{name}', which keeps it, {tells}"
            hint = (
                "when a change of a member comes late, rows get the version of the time that they keep: "
                f"add a column with this expression, and no type, to {entry.path}.columns"
            )
            yield document.problem(f"{lookup.path}.as_of", what, hint)


def _less(kept: str, asked: str, versions: str) -> bool:
    """Say whether a type keeps less of a time than was asked, which may be another of two versions then."""
    if kept == "date":
        return "date" not in (asked, versions)
    return _family(kept) not in TIMES or _digits(kept) < _digits(asked)


def _digits(time: str) -> int:
    """Return to how many digits of a second a time is kept."""
    said = re.search(r"\((\d)\)", time)
    return int(said[1]) if said else 0 if time == "date" else 6


def _milestone_problems(
    entry: Entry, known: Mapping[str, str], document: Document
) -> Iterator[Problem]:
    """Find milestones that are no times."""
    for at, name in enumerate(entry.milestones if isinstance(entry, Fact) else ()):
        if name in known and _family(known[name]) not in TIMES:
            yield document.problem(
                document.item_path(f"{entry.path}.milestones", name, at),
                f"'{name}' is {known[name]}, and a milestone needs a date or a timestamp",
                "cast it in the query, or take it out of the milestones",
            )


def _measure_problems(
    entry: Entry, known: Mapping[str, str], document: Document
) -> Iterator[Problem]:
    """Find measures that are no numbers."""
    for column in entry.columns:
        if column.measure and column.name in known and _family(known[column.name]) not in NUMBERS:
            what = f"a measure, but '{column.name}' is {known[column.name]}"
            yield document.problem(
                column.measure.path,
                what,
                "only numbers and intervals are measured: cast it, or drop it",
            )


def _lookup_trials(
    star: Star, lookup: Lookup, known: Mapping[str, str], types: Types, document: Document
) -> Iterator[Trial]:
    """Try each value that a lookup compares with the dimension's natural key."""
    dimension = star.dimension(lookup.dimension)
    for name, expression in lookup.on:
        theirs = types.get(dimension.name, {}).get(name, "")
        ours = known.get(probe_name(lookup, name), "")
        binned = dimension.clock is not None and "time" in ours
        if not theirs or not ours or (theirs == "date" and "timestamp" in ours) or binned:
            continue
        yield Trial(
            f"select {_null(theirs)} = {_null(ours)}",
            document.text_path(document.text_path(lookup.path, "on"), name),
            f"{ours} cannot be compared with {dimension.name}.{name}, which is {theirs}",
            f"cast it: {name}: ({expression})::{theirs}",
        )


def _family(type_: str) -> str:
    """Return a type without its precision: timestamp(3) is a timestamp."""
    head, _, tail = type_.partition("(")
    return head + tail.partition(")")[2]


def _null(type_: str) -> Fragment:
    return Fragment(f"null::{type_name(type_)}")
