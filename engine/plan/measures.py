"""The view of a star's measures: made when it is not there, replaced when it says something else."""

from __future__ import annotations

from engine.mapping.measures import MEASURE_COLUMNS, measure_rows, view_name
from engine.mapping.model import Star
from engine.plan.shape import short_name
from engine.plan.steps import CreateMeasures, DropMeasures, Step, Table
from engine.plan.world import World


def measures_view(star: Star) -> Table:
    """Return the view that tells of a star's measures."""
    return Table(star.connection("warehouse").schema, short_name(view_name(star)))


def measures_steps(star: Star, world: World) -> tuple[Step, ...]:
    """Return what makes the view say what the mapping says; it is of the whole star, whatever is selected."""
    view, told = measures_view(star), measure_rows(star)
    if told == (world.measures or ()):
        return ()
    if not told:
        return (DropMeasures(view=view),)
    return (CreateMeasures(view=view, columns=MEASURE_COLUMNS, told=told),)
