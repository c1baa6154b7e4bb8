"""What is in calendars and clocks, in few letters: they are made again when need be, not in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from engine.database.connect import execute
from engine.mapping.model import Dimension, Entry, Star
from engine.plan.drift import definition
from engine.plan.kept import keepable
from engine.plan.shape import target
from engine.plan.stage import stage_plan
from engine.plan.steps import ReadContent, StagePlan
from engine.plan.world import World
from engine.sql.render import render


def kept(
    connection: Connection,
    star: Star,
    entries: Iterable[Entry],
    world: World,
    noted: Mapping[str, str],
) -> Iterator[str]:
    """Yield the entries that are as the ledger has `noted`, by table, and as this run would make them."""
    for entry in entries:
        known = noted.get(entry.name, "")
        if known and isinstance(entry, Dimension) and keepable(star, entry, world):
            made = made_by(star, entry, stage_plan(star, entry, world))
            if known == f"{made}:{rows_of(connection, star, entry)}":
                yield entry.name


def content_of(connection: Connection, star: Star, dimension: Dimension, plan: StagePlan) -> str:
    """Return what is to be noted of a calendar or a clock that was just made by this plan."""
    return f"{made_by(star, dimension, plan)}:{rows_of(connection, star, dimension)}"


def made_by(star: Star, dimension: Dimension, plan: StagePlan) -> str:
    """Return a hash of all that decides what the rows are: another engine or holiday, and it is another."""
    into = replace(
        plan.fill, stage=target(star, dimension)
    )  # another star's stage has another name
    said = (render(into), definition(star, dimension))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def rows_of(connection: Connection, star: Star, dimension: Dimension) -> str:
    """Return the number of a table's rows, and a hash of them."""
    step = ReadContent(entry=dimension.name, table=target(star, dimension))
    return str(execute(connection, render(step)).scalar_one())
