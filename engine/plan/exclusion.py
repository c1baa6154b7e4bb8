"""The exclusion constraint of a dimension with history: no two versions of a member at one time."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.mapping.history import VALID_FROM, VALID_TO
from engine.mapping.model import Dimension, Star
from engine.plan.reject import Locate
from engine.plan.shape import column_types, short_name, target, time_type
from engine.plan.steps import AddExclusion
from engine.plan.world import World, state_of

# Ranges have a class of operators for GiST in PostgreSQL itself; plain values have it in btree_gist alone.
RANGES = {
    "smallint": "int4range",
    "integer": "int4range",
    "bigint": "int8range",
    "numeric": "numrange",
    "date": "daterange",
    "timestamp without time zone": "tsrange",
    "timestamp with time zone": "tstzrange",
}


def exclusion_steps(star: Star, dimension: Dimension, world: World) -> Iterator[AddExclusion]:
    """Plan the constraint, where it is asked for and not there yet."""
    name = short_name(f"{dimension.name}_no_overlap")
    wanted = dimension.history is not None and dimension.history.no_overlap
    if not wanted or name in state_of(dimension, world).checks:
        return
    yield AddExclusion(
        entry=dimension.name,
        table=target(star, dimension),
        name=name,
        keys=tuple(_ranges(dimension, world).items()),
        period=RANGES[_family(time_type(dimension, world))],
        low=VALID_FROM,
        high=VALID_TO,
        key=dimension.key,
    )


def exclusion_problems(dimension: Dimension, world: World, place: Locate) -> Iterator[Problem]:
    """Find natural keys that no exclusion constraint of this database can compare."""
    if dimension.history is None or not dimension.history.no_overlap or world.btree_gist:
        return
    types = column_types(dimension, world)
    for name in dimension.natural_key:
        if _family(types[name]) not in RANGES:
            yield Problem(
                place(f"{dimension.history.path}.no_overlap"),
                f"'{name}' is {types[name]}, which no exclusion constraint compares without btree_gist",
                "run in the warehouse: CREATE EXTENSION btree_gist; or drop no_overlap",
            )


def _ranges(dimension: Dimension, world: World) -> dict[str, str]:
    types = column_types(dimension, world)
    ranges = {name: RANGES.get(_family(types[name]), "") for name in dimension.natural_key}
    return dict.fromkeys(ranges, "") if world.btree_gist else ranges


def _family(type_: str) -> str:
    """Return a type without its precision: timestamp(3) is a timestamp."""
    head, _, tail = type_.partition("(")
    return head + tail.partition(")")[2]
