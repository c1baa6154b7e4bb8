"""What decides how rows are loaded, as a hash: when it changes, old rows must be read again."""

from __future__ import annotations

import hashlib

from engine.mapping.model import Dimension, Entry, Fact, Star
from engine.plan.shape import match_columns, partition_of, special_key
from engine.plan.snapshot import length


def _members(dimension: Dimension) -> tuple[object, ...]:
    """Return what decides which member of a dimension a lookup finds."""
    calendar, source = dimension.calendar, dimension.source
    return (
        dimension.name,
        dimension.key,
        [(c.name, c.expr, c.type) for c in dimension.columns if c.name in dimension.natural_key],
        (calendar.start, calendar.end) if calendar else dimension.clock and dimension.clock.step,
        (source.connection, source.query) if source else None,
        dimension.junk,
        [member.key for member in dimension.special_members if member.name == "unknown"],
        dimension.history,
    )


def fingerprint(star: Star, entry: Entry) -> str:
    """Return a hash of all that decides what a row becomes; when it changes, old rows must be read again.

    Of a snapshot it says what its periods are, too (see length_of).
    """
    parts: list[object] = [match_columns(entry), entry.load, star.connection("warehouse").schema]
    parts += [(column.name, column.expr, column.type) for column in entry.columns]
    parts += [
        (c.kind, c.columns, c.values, c.low, c.high, c.dimension, c.reject, c.severity, c.tolerance)
        for c in entry.checks
        if c.kind in ("not_null", "accepted", "range", "references", "unique")
    ]
    if isinstance(entry, Fact) and entry.milestones:
        parts += [entry.milestones]
    if isinstance(entry, Fact) and entry.snapshot:
        parts += [entry.snapshot.column]
        parts += [entry.snapshot.dense] if entry.snapshot.dense else []
    if isinstance(entry, Dimension) and entry.history:
        parts += [entry.history, [(c.name, c.scd, c.previous) for c in entry.columns]]
        parts += [(x.column, x.scd) for x in entry.lookups]
    elif isinstance(entry, Dimension):
        # What was kept as first seen is behind the source, once it no longer is.
        parts += [("scd", c.name) for c in entry.columns if c.scd == 0]
        parts += [("scd", x.column) for x in entry.lookups if x.scd == 0]
    if isinstance(entry, Dimension) and entry.hierarchy:
        parts += [entry.hierarchy, entry.durable_key]
    if entry.source:
        cursor = entry.source.cursor
        parts += [entry.source.connection, entry.source.query, entry.source.dedupe]
        parts += [(cursor.column, cursor.null) if cursor else None]
        parts += [(each.column, each.null) for each in entry.source.more_cursors]
    parts += [_members(d) for d in star.dimensions if entry.name in d.junk]
    if partition := partition_of(entry):
        parts += [partition.by, partition.keep]
    parts += [
        (x.column, x.on, x.missing, x.as_of, x.key, *_members(star.dimension(x.dimension)))
        for x in entry.lookups
    ]
    parts += [
        (x.column, special_key(star.dimension(x.dimension), x.null))
        for x in entry.lookups
        if x.null
    ]
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    if isinstance(entry, Fact) and entry.snapshot:
        return f"{digest} {length(star, entry, entry.snapshot)}"
    return digest


def length_of(fingerprint: str) -> str:
    """Return what the periods of a snapshot were with this fingerprint; empty where it does not say."""
    return fingerprint.partition(" ")[2]
