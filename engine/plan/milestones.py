"""How an accumulating snapshot keeps its milestones: in the stage, before anything is computed from them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.mapping.model import Entry, Fact, Star
from engine.plan.shape import rows, target
from engine.plan.steps import KeepMilestones
from engine.plan.world import World, state_of


def milestone_steps(star: Star, entry: Entry, world: World) -> Iterator[KeepMilestones]:
    """Plan to complete the staged rows; lookups, lags and checks see them as they are to be loaded."""
    state = state_of(entry, world)
    if not isinstance(entry, Fact) or state.empty:
        return
    known = tuple(name for name in entry.milestones if name in state.columns)
    if known:
        yield KeepMilestones(
            entry=entry.name,
            table=target(star, entry),
            rows=rows(star, entry, world).only(entry.grain),
            match=entry.grain,
            milestones=known,
        )
