"""What a dense snapshot of goods and stores must hold after each run, in plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from itertools import product

UNKNOWN = -1
Sent = Mapping[
    tuple[int, int, int], int
]  # month, good and store: pieces, below zero of a row that is rejected


@dataclass
class Snapshot:
    """The rows by month, good and store. Goods that are gone are flagged, and stores are never gone."""

    rows: dict[tuple[int, int, int], int] = field(default_factory=dict)
    goods: set[int] = field(default_factory=set)  # ever seen
    stores: set[int] = field(default_factory=set)

    def run(self, present: int, goods: Set[int], stores: Set[int], sent: Sent) -> dict[str, int]:
        """Read the periods that are due, up to the present month; return what the report counts."""
        self.goods |= goods
        self.stores |= stores
        first = max((month for month, _, _ in self.rows), default=0)
        read = {key: pieces for key, pieces in sent.items() if first <= key[0] <= present}
        said = {(month, self._good(good), store): p for (month, good, store), p in read.items()}
        new = {key: pieces for key, pieces in said.items() if pieces >= 0}
        every = product(range(first, present + 1), goods, self.stores)
        filled = {key: 0 for key in every if key not in said}
        new |= filled
        old = {key: pieces for key, pieces in self.rows.items() if key[0] >= first}
        counts = {
            "read": len(read),
            "filled": len(filled),
            "inserted": len(new.keys() - old.keys()),
            "updated": sum(key in old and old[key] != pieces for key, pieces in new.items()),
            "unchanged": sum(old.get(key) == pieces for key, pieces in new.items()),
            "deleted": len(old.keys() - new.keys()),
            "rejected": len(said) - (len(new) - len(filled)),
        }
        self.rows = {key: p for key, p in self.rows.items() if key[0] < first} | new
        return {name: count for name, count in counts.items() if count}

    def _good(self, good: int) -> int:
        return good if good in self.goods else UNKNOWN
