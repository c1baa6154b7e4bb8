"""Where the members of one dimension lie in Redis, and what their state says."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence

from engine.mapping.model import Dimension, Star
from engine.plan.shape import target
from engine.values import dataclass

HELD = "!"  # the first letter of the state while a run publishes


@dataclass(frozen=True, slots=True)
class State:
    """Which version of the dimension Redis has, and under which epoch the keys of its members are."""

    epoch: str = ""
    version: str = ""

    @classmethod
    def read(cls, text: str) -> State:
        """Return what a text of Redis says; nothing is there while a run publishes."""
        if text.startswith(HELD):
            return cls()
        epoch, _, version = text.partition("|")
        return cls(epoch, version)

    def __str__(self) -> str:
        return f"{self.epoch}|{self.version}"


@dataclass(frozen=True, slots=True)
class Space:
    """The keys of one dimension as one mapping shows it. Braces keep them on one node of a cluster."""

    prefix: str
    ttl: int

    @property
    def state(self) -> str:
        """The key of the state."""
        return f"{self.prefix}:state"

    def key(self, epoch: str, natural_key: Sequence[str]) -> str:
        """Return the key of a member, given the texts of its natural key."""
        return f"{self.prefix}:{epoch}:{json.dumps(natural_key, ensure_ascii=False)}"


def space_of(star: Star, dimension: Dimension, warehouse: str, ttl: int) -> Space:
    """Return the space of a dimension; `warehouse` says who the warehouse is.

    Mappings that show other columns of one table have spaces of their own, as have two warehouses.
    """
    parts = (warehouse, str(target(star, dimension)), dimension.natural_key, shown(dimension))
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return Space(f"engine:{{{dimension.name}:{digest}}}", ttl)


def shown(dimension: Dimension) -> tuple[str, ...]:
    """Return the columns of a member: the key first."""
    lookups = (lookup.column for lookup in dimension.lookups)
    own = (*lookups, *(column.name for column in dimension.columns))
    keys = [name for name in (dimension.key, dimension.durable_key) if name]
    return tuple(dict.fromkeys((*keys, *own)))


def new_epoch() -> str:
    """Return an epoch that never was."""
    return uuid.uuid4().hex


def hold() -> str:
    """Return a state that says that this run publishes now."""
    return HELD + uuid.uuid4().hex
