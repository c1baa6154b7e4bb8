"""A whole mapping: its entries, and the order in which they are loaded."""

from __future__ import annotations

from engine.mapping.model.aggregate import Aggregate
from engine.mapping.model.dimension import Dimension
from engine.mapping.model.fact import Fact
from engine.mapping.model.source import Connection
from engine.mapping.order import in_order
from engine.values import dataclass

Entry = Dimension | Fact | Aggregate


@dataclass(frozen=True, slots=True)
class Star:
    """A whole mapping, in the order of the file; no dimension has the name of a fact."""

    name: str
    dimensions: tuple[Dimension, ...]
    facts: tuple[Fact, ...]
    connections: tuple[Connection, ...]
    description: str = ""
    aggregates: tuple[Aggregate, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every dimension, then every fact, then every aggregate: the order in which they are loaded.

        A dimension comes after those that it looks up; junk, which waits for other stages, as late as it can.
        A dense snapshot comes after the facts that infer members of which it has a row each.
        """
        dimensions = {dimension.name: dimension for dimension in self.dimensions}
        late = sorted(self.dimensions, key=lambda dimension: bool(dimension.junk))
        order = in_order({d.name: [x.dimension for x in d.lookups] for d in late})
        facts = {fact.name: fact for fact in self.facts}
        after = in_order({name: self._inferring(fact) for name, fact in facts.items()})
        return (
            *(dimensions[name] for name in order),
            *(facts[name] for name in after),
            *self.aggregates,
        )

    def _inferring(self, dense: Fact) -> list[str]:
        """Return the facts that infer members of which a dense snapshot has a row each."""
        members = {lookup.dimension for lookup in dense.dense}
        inferred = {
            f.name: {x.dimension for x in f.lookups if x.missing == "infer"} for f in self.facts
        }
        return [name for name, made in inferred.items() if made & members]

    def dimension(self, name: str) -> Dimension:
        """Return the dimension of that name; KeyError when there is none."""
        return {dimension.name: dimension for dimension in self.dimensions}[name]

    def connection(self, name: str) -> Connection:
        """Return the connection of that name; KeyError when there is none."""
        return {connection.name: connection for connection in self.connections}[name]
