"""What takes rows out of a batch before it is loaded, and what proves that the others can be loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.errors import Place
from engine.mapping.model import ROW_WISE, Check, Dimension, Entry, Lookup, Star
from engine.plan.checks import condition
from engine.plan.held import hold_steps, is_held
from engine.plan.infer import infer_steps
from engine.plan.partition import rejected
from engine.plan.quality import label
from engine.plan.schema import INTEGERS
from engine.plan.shape import EFFECTIVE, events, match_columns, rows, stage, stand_ins
from engine.plan.steps import (
    CountSeveral,
    ProveFilled,
    ProveFound,
    ProveOrdinary,
    ProveUnique,
    RejectCheck,
    RejectDuplicates,
    RejectMissing,
    RejectNoTime,
    RejectNullKeys,
    Rows,
    Rule,
    Step,
)
from engine.plan.world import World, state_of

Locate = Callable[[str], Place]
Ruled = tuple[Step, Rule]


def reject_steps(
    star: Star, entry: Entry, world: World, place: Locate, *, prove: bool
) -> Iterator[Ruled]:
    """Plan the rejections of an entry, each with its rule.

    `prove` is False when the keys of a new table are built after the rows and prove the same.
    """
    yield from rejected(star, entry, world, lambda path, text: rule_of(path, text, place))
    # Before the keys: a lookup may be part of the grain.
    yield from _lookup_steps(star, entry, world, place)
    for step in infer_steps(star, entry, world, lambda path, text: rule_of(path, text, place)):
        yield step, rule_of(entry.path, step.title, place)
    if entry.source:
        yield from _key_steps(star, entry, world, place, prove=prove)
    # After the keys: of rows that wait each has its own. Before the checks: they may look at what was found.
    for step in hold_steps(star, entry, world, lambda path, text: rule_of(path, text, place)):
        yield step, rule_of(entry.path, step.title, place)
    for check in entry.checks:
        if check.reject and check.kind in ROW_WISE:
            yield from _check_steps(star, entry, check, world, place)


def _key_steps(
    star: Star, entry: Entry, world: World, place: Locate, *, prove: bool
) -> Iterator[Ruled]:
    name, match = entry.name, match_columns(entry)
    own = rows(star, entry, world).only(match)
    word = "natural_key" if isinstance(entry, Dimension) else "grain"
    called = word.replace("_", " ")
    rule = rule_of(f"{entry.path}.{word}", f"the {called} is null", place)
    yield RejectNullKeys(entry=name, rows=own, match=match, rule=rule), rule
    if isinstance(entry, Dimension):
        yield from _special_steps(entry, own, place)
    several = None
    if isinstance(entry, Dimension) and entry.history:
        if state_of(entry, world).empty:
            several = True  # a member with one row has none of the same time
            one = match[0] if len(match) == 1 and own.types[match[0]] in INTEGERS else ""
            yield CountSeveral(entry=name, rows=own, match=match, number=one), rule
        match = (*match, EFFECTIVE)
        own = events(star, entry, entry.history, world).only(match)
        called += " at one time"
        if entry.history.effective:
            text = "the effective time is null or infinite"
            rule = rule_of(f"{entry.history.path}.effective", text, place)
            yield RejectNoTime(entry=name, rows=own, time=EFFECTIVE, rule=rule), rule
    order = entry.source.dedupe if entry.source else None
    if order:
        rule = rule_of(f"{entry.path}.source.dedupe", "another row of this key came first", place)
        first = RejectDuplicates(entry=name, rows=own, match=match, order=order, rule=rule)
        yield replace(first, several=several), rule
    elif prove:
        rule = rule_of(f"{entry.path}.{word}", f"the {called} is not unique", place)
        unique = ProveUnique(
            entry=name, rows=own, match=match, rule=rule, stand_ins=stand_ins(star, entry)
        )
        yield replace(unique, several=several), rule


def _special_steps(dimension: Dimension, own: Rows, place: Locate) -> Iterator[Ruled]:
    """Prove that no row is taken for a special member to which the mapping gives a natural key."""
    for member in dimension.special_members:
        given = dict(member.values)
        values = tuple(given.get(name) for name in dimension.natural_key)
        if None not in values:
            text = (
                f"the natural key is that of the special member '{member.name}'; "
                "give that member another one, or none"
            )
            rule = rule_of(member.path, text, place)
            yield (
                ProveOrdinary(
                    entry=dimension.name,
                    rows=own,
                    match=dimension.natural_key,
                    member=member.name,
                    values=values,
                    rule=rule,
                ),
                rule,
            )


def _lookup_steps(star: Star, entry: Entry, world: World, place: Locate) -> Iterator[Ruled]:
    table = stage(star, entry)
    joins = {join.column: join for join in rows(star, entry, world).joins}
    for lookup in (lookup for lookup in entry.lookups if lookup.on):
        rule = rule_of(lookup.path, no_member(lookup), place)
        join = joins[lookup.column]
        if lookup.missing == "reject":
            yield RejectMissing(entry=entry.name, stage=table, join=join, rule=rule), rule
        elif lookup.missing == "fail":
            yield ProveFound(entry=entry.name, stage=table, join=join, rule=rule), rule


def _check_steps(
    star: Star, entry: Entry, check: Check, world: World, place: Locate
) -> Iterator[Ruled]:
    rule = rule_of(check.path, f"check {label(check)}", place)
    own = rows(star, entry, world)
    for column in check.columns:
        yield (
            RejectCheck(
                entry=entry.name,
                rows=own.only((column,)),
                condition=condition(star, entry, check, column, world),
                rule=rule,
            ),
            rule,
        )


def prove_sent(
    star: Star, entry: Entry, world: World, place: Locate, harm: str
) -> Iterator[ProveFilled]:
    """Plan the proof that a source sent a row, where `harm` would come of none, unless that is allowed."""
    if entry.source and not entry.source.allow_empty:
        text = f"there is no row to load, and {harm}; if that is right, say allow_empty: true"
        yield ProveFilled(
            entry=entry.name,
            stage=stage(star, entry),
            rule=rule_of(f"{entry.path}.source", text, place),
            held=is_held(entry, world),
        )


def no_member(lookup: Lookup) -> str:
    """Say that a lookup finds nothing."""
    return f"no member of {lookup.dimension} for {lookup.column}"


def rule_of(path: str, text: str, place: Locate) -> Rule:
    """Return a rule with its place in the mapping."""
    where = place(path)
    return Rule(path, text, f"{where.file}:{where.line}:{where.column}" if where.file else "")
