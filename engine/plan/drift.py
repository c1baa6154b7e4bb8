"""Where a table is not what its definition says: what a hand has changed, or a mapping with another one.

A run brings a table back in line; drift is told so that nobody is surprised, and the cause can be found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from engine.mapping.model import Check, Cursor, Dimension, Entry, Source, Star
from engine.mapping.owned import INFERRED_AT, IS_INFERRED
from engine.plan.shape import bare
from engine.plan.steps import (
    AddColumn,
    AddPrimaryKey,
    AddUniqueIndex,
    CompareMember,
    DescribeColumn,
    DescribeTable,
    DropNotNull,
    EnsureMember,
    Notice,
    SetDefault,
    Step,
    WidenColumn,
)
from engine.plan.world import World, state_of

# What says how rows are read, shown or proved, and not what they are.
ASIDE = frozenset({"path", "cache", "cursor", "more_cursors", "inferred_by"})
MENDED = ": a run puts it right"


def definition(star: Star, dimension: Dimension) -> str:
    """Return a hash of all that decides what the table of a dimension holds, wherever it is written."""
    said = [*_parts(dimension, star), *_looked_up(star, dimension)]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _parts(of: object, star: Star) -> Iterator[object]:
    """Yield what a value of the model says, without the place where it says so."""
    if isinstance(of, tuple):
        kept = (each for each in of if not isinstance(each, Check) or each.reject)
        yield [list(_parts(each, star)) for each in kept]
    elif is_dataclass(of) and not isinstance(of, Cursor):
        for field in fields(of):
            value = getattr(of, field.name)
            if field.name in ASIDE:
                continue
            if isinstance(of, Source) and field.name == "connection":
                value = star.connection(value).env  # it may be called otherwise in another mapping
            yield [field.name, *_parts(value, star)]
    else:
        yield of


def _looked_up(star: Star, dimension: Dimension) -> Iterator[str]:
    """Yield the definitions of the dimensions whose keys this one holds."""
    names = sorted({lookup.dimension for lookup in dimension.lookups} - {dimension.name})
    return (definition(star, star.dimension(name)) for name in names)


def member_comparisons(
    dimension: Dimension, steps: Iterable[Step], world: World
) -> Iterator[CompareMember]:
    """Ask, of each special member that is to be ensured, whether it is as it should be now."""
    present = state_of(dimension, world).columns
    for step in steps:
        if isinstance(step, EnsureMember) and step.key in present:
            yield CompareMember(
                entry=dimension.name,
                table=step.table,
                member=step.member,
                key=step.key,
                number=step.number,
                # What has another type yet cannot be compared, and is told as such.
                values=tuple(
                    (c, value)
                    for c, value in step.values
                    if bare(present.get(c.name, "")) == c.type
                ),
            )


def drift(star: Star, entry: Entry, world: World, steps: Iterable[Step]) -> Iterator[Notice]:
    """Tell what differs between a table that is there and its definition; `steps` are those of a run."""
    if not state_of(entry, world).exists:
        return
    yield from _other_mapping(star, entry, world)
    for step in steps:
        text = _difference(step) if step.entry == entry.name else ""
        if text:
            yield Notice(entry.name, text + MENDED)
    for member in world.strayed.get(entry.name, ()):
        text = f"the special member '{member}' is not there as the mapping says"
        yield Notice(entry.name, text + MENDED)


def of_inferred(step: Step) -> bool:
    """Say whether a step makes what inferred members need: for a fact's word, which no definition has."""
    if isinstance(step, AddColumn):
        return step.column.name in (IS_INFERRED, INFERRED_AT)
    if isinstance(step, DescribeColumn):
        return step.column in (IS_INFERRED, INFERRED_AT)
    return isinstance(step, AddUniqueIndex) and step.where == IS_INFERRED


def by_hand(star: Star, entry: Entry, found: Iterable[Notice], world: World) -> Iterator[Notice]:
    """Tell what of it this mapping has not caused: it loaded the table last, with this very definition."""
    known = world.loaded.get(entry.name)
    if not isinstance(entry, Dimension) or known is None:
        return
    mapping, last = known
    if mapping != star.name:
        yield from _other_mapping(star, entry, world)
    elif last == definition(star, entry):
        said = (n.text.removesuffix(MENDED) for n in found)
        yield from (
            Notice(entry.name, f"{text}, though the mapping did not change: it is put right")
            for text in said
        )


def _other_mapping(star: Star, entry: Entry, world: World) -> Iterator[Notice]:
    """Tell when another mapping loaded the same table last, as it sees it."""
    if mapping := overwriter(star, entry, world.loaded):
        yield Notice(
            entry.name,
            f"the mapping '{mapping}' loaded this table last, and defines it otherwise: each run undoes "
            "what the other did; let both include one file that defines it",
        )


def loaded_by_another(star: Star, name: str, world: World) -> bool:
    """Say whether another mapping was the last to load a dimension, with whatever definition."""
    mapping, _ = world.loaded.get(name, ("", ""))
    return mapping not in ("", star.name)


def overwriter(star: Star, entry: Entry, loaded: Mapping[str, tuple[str, str]]) -> str:
    """Return the other mapping that loaded a dimension last and defines it otherwise; empty if none did.

    `loaded` is as in World.
    """
    mapping, last = loaded.get(entry.name, ("", ""))
    if not isinstance(entry, Dimension) or mapping in ("", star.name):
        return ""
    return "" if last == definition(star, entry) else mapping


def _difference(step: Step) -> str:
    """Say what of a table a step of the plan changes."""
    if isinstance(step, AddColumn):
        return f"column '{step.column.name}' is not in the table"
    if isinstance(step, WidenColumn):
        return f"column '{step.column.name}' is {step.present}, and not {step.column.type}"
    if isinstance(step, DropNotNull):
        return f"column '{step.column}' is NOT NULL, and nothing fills it"
    if isinstance(step, SetDefault):
        return f"column '{step.column.name}' has not the default that it should"
    if isinstance(step, AddPrimaryKey):
        return f"the primary key ({', '.join(step.columns)}) is not there"
    if isinstance(step, AddUniqueIndex):
        return f"the unique index {step.name} is not there"
    if isinstance(step, DescribeTable):
        return "the table is described otherwise"
    return (
        f"column '{step.column}' is described otherwise" if isinstance(step, DescribeColumn) else ""
    )
