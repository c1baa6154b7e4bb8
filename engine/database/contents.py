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
        if (
            isinstance(entry, Dimension)
            and noted.get(entry.name)
            and keepable(star, entry, world)
            and noted[entry.name]
            == content_of(connection, star, entry, stage_plan(star, entry, world))
        ):
            yield entry.name


def content_of(connection: Connection, star: Star, dimension: Dimension, plan: StagePlan) -> str:
    """Return hashes of all that decides what the rows are by this plan, and of the rows that are there.

    Another engine or another holiday gives another first one.
    """
    table = target(star, dimension)
    into = replace(plan.fill, stage=table)  # another star's stage has another name
    said = (render(into), definition(star, dimension))
    made = hashlib.sha256(repr(said).encode()).hexdigest()[:16]
    step = ReadContent(entry=dimension.name, table=table)
    return f"{made}:{execute(connection, render(step)).scalar_one()}"
