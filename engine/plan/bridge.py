"""How a bridge is proved: the weights of each of its groups sum to 1, in the whole table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from engine.mapping.model import Check, Entry, Fact, Star
from engine.mapping.owned import deleted_flag
from engine.plan.shape import column_types, keys_above, target
from engine.plan.steps import CheckBridge
from engine.plan.world import World

EXACT = Decimal("1e-9")  # what sums of thirds in floating point, or in many digits, may differ by
SCALED = re.compile(r"numeric\(\d+,(\d+)\)")


def bridge_steps(star: Star, entry: Entry, world: World) -> Iterator[CheckBridge]:
    """Return the check of a bridge: of all groups, as this run has no row of one that a row has left."""
    bridge = entry.bridge if isinstance(entry, Fact) else None
    if bridge is None:
        return
    scaled = SCALED.fullmatch(column_types(entry, world).get(bridge.weight, ""))
    rounding = Decimal(5).scaleb(-int(scaled[1]) - 1) if scaled and not bridge.tolerance else 0
    looked_up = {x.column: star.dimension(x.dimension) for x in entry.lookups}
    yield CheckBridge(
        entry=entry.name,
        table=target(star, entry),
        check=Check(
            "sql",
            severity=bridge.severity,
            name=f"the weights of each {', '.join(bridge.group)} sum to 1",
            path=bridge.path,
        ),
        group=bridge.group,
        weight=bridge.weight,
        tolerance=format(bridge.tolerance or EXACT, "f"),
        rounding=format(rounding, "f"),
        members=tuple((n, keys_above(looked_up[n])) for n in bridge.group if n in looked_up),
        deleted=deleted_flag(entry),
    )
