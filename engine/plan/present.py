"""What a source has at the moment of a run: the keys of all rows, read apart where not all are read."""

from __future__ import annotations

from dataclasses import replace

from engine.mapping.model import Entry, Star
from engine.mapping.owned import policy_of
from engine.plan.shape import keys_stage, match_columns, rows
from engine.plan.steps import Rows
from engine.plan.world import World, in_part, reads_all, state_of


def needs_keys(entry: Entry, world: World) -> bool:
    """Say whether the keys of all rows must be read apart: not where all rows are read, or none is there."""
    return (
        bool(policy_of(entry))
        and (not state_of(entry, world).empty or entry.name in world.held)
        and not reads_all(entry, world)
        and not in_part(entry, world)
    )


def present_rows(star: Star, entry: Entry, world: World) -> Rows:
    """Return the keys of all rows that the source has: those that are rejected are there too (TRAPS 9)."""
    own = rows(star, entry, world).only(match_columns(entry))
    at = keys_stage(star, entry) if needs_keys(entry, world) else own.stage
    return replace(own, stage=at, rejected=True)
