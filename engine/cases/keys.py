"""Which member of which dimension a key column of the star names."""

from __future__ import annotations

from collections.abc import Mapping

from engine.mapping.history import VALID_FROM
from engine.mapping.model import Dimension, Star
from engine.plan.shape import looked_up_key
from engine.sql.quote import ident, literal
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a dimension: its surrogate key, or the durable one that all versions of a member share."""

    dimension: Dimension
    column: str

    def join(self, table: str, alias: str, key: str) -> str:
        """Say the join that finds the member: of a durable key, the present version, or the last one."""
        if self.column == self.dimension.key:
            return f"left join {table} as {ident(alias)} on {ident(alias)}.{ident(self.column)} = {key}"
        found = f"select * from {table} where {ident(self.column)} = {key}"
        last = f"{found} order by {ident(VALID_FROM)} desc limit 1"
        return f"left join lateral ({last}) as {ident(alias)} on true"

    def named(self, key: str) -> str:
        """Say a key as a text: a special member by its name."""
        special = self.dimension.special_members
        names = " ".join(f"when {member.key} then {literal(member.name)}" for member in special)
        return f"case {key} {names} else {key}::text end" if special else f"{key}::text"


def keys(star: Star) -> Mapping[tuple[str, str], Key]:
    """Return the keys of a star by table and column; by a column alone where the table is empty."""
    anywhere: dict[tuple[str, str], Key] = {}
    own: dict[tuple[str, str], Key] = {}
    for entry in star.entries:
        for lookup in entry.lookups:
            dimension = star.dimension(lookup.dimension)
            key = Key(dimension, looked_up_key(lookup, dimension))
            own[entry.name, lookup.column] = key
            anywhere["", lookup.column] = key
    for dimension in star.dimensions:
        for column in filter(None, (dimension.key, dimension.durable_key)):
            anywhere["", column] = Key(dimension, column)
    return {**anywhere, **own}
