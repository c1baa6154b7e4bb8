"""Gather what a plan depends on: types, tables, and from where each entry is to be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from engine.database import contents, ledger
from engine.database.connect import count_of, execute
from engine.database.look import look
from engine.database.measures import measures_told
from engine.database.source import Origin
from engine.database.tables import MIGRATIONS
from engine.database.target import (
    has_extension,
    held_states,
    occupied,
    periods_loaded,
    table_states,
    taken_names,
)
from engine.database.versions import loaded_by
from engine.database.views import view_states
from engine.errors import Problem, refuse
from engine.mapping.load import Loaded
from engine.mapping.model import Dimension, Entry, Fact, Star
from engine.plan.drift import member_comparisons, overwriter
from engine.plan.fingerprint import fingerprint, length_of
from engine.plan.load import member_steps
from engine.plan.progress import GONE, Progress, reading, redefined
from engine.plan.select import chosen
from engine.plan.shape import target
from engine.plan.snapshot import length, periods_due, week_shift
from engine.plan.streams import border_step
from engine.plan.world import Reading, TableState, World, state_of
from engine.sql.render import render


def survey(
    loaded: Loaded,
    sources: Mapping[str, Connection],
    origins: Mapping[str, Origin],
    warehouse: Connection,
    *,
    select: Collection[str] = (),
    full_refresh: bool = False,
) -> World:
    """Ask the databases, without writing, what the world is like; raises MappingError with every problem.

    The connections are in autocommit mode; `sources` and `origins` are by connection name, at least those
    of the selected entries, of which alone the queries and expressions are looked at.
    """
    star = loaded.star
    entries = chosen(star, select)
    found = look(star, entries, loaded.document, sources, warehouse)
    refuse([*found.problems, *occupied(warehouse, loaded, entries)])
    tables = table_states(warehouse, star)
    schema, version = star.connection("warehouse").schema, ledger.version_of(warehouse)
    progress = ledger.progress_of(warehouse, star.name) if version else {}
    asked = [entry for entry in entries if entry.name not in found.of_now]
    refuse(list(_other_periods(loaded, asked, tables, progress)))
    known = loaded_by(warehouse, schema) if version >= len(MIGRATIONS) else {}
    loaded_last = {name: (each.mapping, each.definition) for name, each in known.items()}
    world = World(
        sources=found.sources,
        types=found.types,
        tables=tables,
        readings={
            entry.name: _reading(
                star,
                entry,
                _lost(star, entry, tables) or _overwritten(star, entry, loaded_last),
                {} if _begins_anew(entry, tables) else progress,
                origins,
                full_refresh=full_refresh,
            )
            for entry in entries
            if entry.source
        },
        periods={
            fact.name: periods_due(
                fact.snapshot,
                shift=week_shift(star, fact),
                today=origins[fact.source.connection].today,
                loaded=periods_loaded(warehouse, star, fact, tables.get(fact.name, TableState())),
                of_now=fact.name in found.of_now,
                full_refresh=full_refresh,
            )
            for fact in entries
            if isinstance(fact, Fact) and fact.snapshot
        },
        limits={
            entry.name: origins[entry.source.connection].limits for entry in entries if entry.source
        },
        today=execute(warehouse, "select now()::date").scalar_one(),
        btree_gist=has_extension(warehouse, "btree_gist"),
        schema_exists=ledger.schema_exists(warehouse, schema),
        measures=measures_told(warehouse, star, loaded.document),
        views=view_states(warehouse, star),
        taken=taken_names(warehouse, star),
        held=held_states(warehouse, star),
        loaded=loaded_last,
        moments={e.name: origins[e.source.connection].moments for e in entries if e.source},
    )
    noted = {} if full_refresh else {name: each.content for name, each in known.items()}
    loaded_once = {*progress, *(n for n, each in known.items() if each.mapping == star.name)}
    return replace(
        world,
        abandoned=tuple(ledger.abandoned(warehouse, star, loaded_once)) if loaded_once else (),
        kept=frozenset(contents.kept(warehouse, star, entries, world, noted)),
        strayed=_strayed(star, entries, world, warehouse),
        borders=dict(_borders(entries, world, sources)),
    )


def _borders(
    entries: Collection[Entry], world: World, sources: Mapping[str, Connection]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Ask where to cut what is read in several streams."""
    for entry in entries:
        if step := border_step(entry, world):
            borders = execute(sources[step.connection], render(step)).scalar_one_or_none()
            yield entry.name, tuple(borders or ())


def _strayed(
    star: Star, entries: Collection[Entry], world: World, warehouse: Connection
) -> dict[str, tuple[str, ...]]:
    """Return the special members that are missing in their tables, or not as the mapping says."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if isinstance(entry, Dimension) and state_of(entry, world).exists:
            steps = member_steps(star, entry, world)
            asked = member_comparisons(entry, steps, world)
            away = (step.member for step in asked if count_of(warehouse, render(step)))
            found[entry.name] = tuple(away)
    return found


def _reading(
    star: Star,
    entry: Entry,
    lost: str,
    progress: Mapping[str, Progress],
    origins: Mapping[str, Origin],
    *,
    full_refresh: bool,
) -> Reading:
    if entry.source is None:
        return Reading()
    if isinstance(entry, Fact) and entry.snapshot:
        return Reading(reason=_left(star, entry, lost, progress, full_refresh=full_refresh))
    return reading(
        progress.get(entry.name, Progress(None)),
        identity=origins[entry.source.connection].identity,
        fingerprint=fingerprint(star, entry),
        now=origins[entry.source.connection].moment,
        full_refresh=full_refresh,
        lost=lost,
    )


def _begins_anew(entry: Entry, tables: Mapping[str, TableState]) -> bool:
    """Say whether a snapshot has no period that is over: all are read, whatever was before."""
    state = tables.get(entry.name, TableState())
    return isinstance(entry, Fact) and bool(entry.snapshot) and state.empty


def _left(
    star: Star, fact: Fact, lost: str, progress: Mapping[str, Progress], *, full_refresh: bool
) -> str:
    """Say what becomes of periods that are over, where a person might expect another thing."""
    if full_refresh:
        return (
            "a full refresh was asked for: every period of which its query can tell is read again"
        )
    known = progress.get(fact.name, Progress(None))
    why = known.fingerprint and (lost or redefined(known, fingerprint(star, fact)))
    over = "periods that are over stay as they are, --full-refresh reads them again"
    return f"{why}: {over}" if why else ""


def _other_periods(
    loaded: Loaded,
    entries: Collection[Entry],
    tables: Mapping[str, TableState],
    progress: Mapping[str, Progress],
) -> Iterator[Problem]:
    """Find snapshots whose table has periods of another length: with both, all would count twice."""
    for fact in entries:
        state = tables.get(fact.name, TableState())
        if not isinstance(fact, Fact) or not fact.snapshot or state.empty:
            continue
        known = progress.get(fact.name, Progress(None)).fingerprint
        before, now = length_of(known.removeprefix(GONE)), length(loaded.star, fact, fact.snapshot)
        if before not in ("", now):
            yield loaded.document.problem(
                f"{fact.snapshot.path}.every",
                f"each period is a {now}, but the rows of {fact.name} are each of a {before}",
                f"drop the table {target(loaded.star, fact)}, and the next run makes it anew",
            )


def _overwritten(star: Star, entry: Entry, loaded: Mapping[str, tuple[str, str]]) -> str:
    """Say that rows that are not read again may be those of another definition."""
    if not overwriter(star, entry, loaded):
        return ""
    return "another mapping, which defines it otherwise, was the last to load it"


def _lost(star: Star, entry: Entry, tables: Mapping[str, TableState]) -> str:
    """Say what was taken away since the last run, so that the watermark no longer tells what is loaded.

    A snapshot has no watermark, but where its table has rows they may hold keys that are no more.
    """
    state = tables.get(entry.name, TableState())
    if isinstance(entry, Fact) and entry.snapshot:
        return "" if state.empty else _emptied(entry, tables)
    if not state.exists:
        return "its table does not exist"
    if state.empty:
        return "its table is empty"
    for name in (*(c.name for c in entry.columns), *(x.column for x in entry.lookups)):
        if name not in state.columns:
            return f"its table has no column '{name}'"
    for dimension in star.dimensions:
        if entry.name in dimension.junk and tables.get(dimension.name, TableState()).empty:
            return f"{dimension.name}, which is made of its rows, is empty"
    return _emptied(entry, tables)


def _emptied(entry: Entry, tables: Mapping[str, TableState]) -> str:
    """Say which dimension that an entry looks up is empty."""
    for lookup in entry.lookups:
        if tables.get(lookup.dimension, TableState()).empty:
            return f"{lookup.dimension} is empty, its members will get new keys"
    return ""
