"""Calendars and clocks, which are what their definition makes of them unless another hand was in them."""

from __future__ import annotations

from engine.mapping.model import Dimension, Entry, Star
from engine.plan.keys import key_steps
from engine.plan.schema import table_steps
from engine.plan.world import World, state_of


def keepable(star: Star, entry: Entry, world: World) -> bool:
    """Say whether an entry need not be made again when its rows are as a run has left them.

    What a column computes may depend on the day, a check is asked for in every run, and a table that is
    to be changed is filled anew.
    """
    return (
        isinstance(entry, Dimension)
        and entry.generated is not None
        and not (entry.checks or entry.history or entry.hierarchy or entry.lookups)
        and not any(column.expr for column in entry.columns)
        and state_of(entry, world).exists
        and not table_steps(star, entry, world)
        and not key_steps(star, entry, world)
    )
