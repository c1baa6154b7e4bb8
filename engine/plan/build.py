"""From the mapping and the world to the plan. Pure: the same question always gets the same plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from engine.errors import Place, refuse
from engine.mapping.model import Check, Dimension, Entry, Fact, Star
from engine.plan.checks import ROW_WISE, check_steps, condition, counts_with_source
from engine.plan.quality import label
from engine.plan.schema import (
    create_schema,
    description_steps,
    key_steps,
    left_over,
    schema_problems,
    table_steps,
)
from engine.plan.shape import definitions, fingerprint, key_type, match_columns, rows, stage, target
from engine.plan.steps import (
    Analyze,
    ColumnDefinition,
    Copy,
    CountNullCursors,
    CountStagedNullCursors,
    CountUnchanged,
    CreateStage,
    DeleteGone,
    EnsureMember,
    FillCalendar,
    HighestCursor,
    InsertNew,
    Notice,
    Plan,
    ProveFound,
    ProveUnique,
    Quarantine,
    RejectCheck,
    RejectDuplicates,
    RejectMissing,
    RejectNullKeys,
    Rule,
    StagePlan,
    Step,
    Table,
    UpdateChanged,
    Window,
)
from engine.plan.world import Reading, TableState, World

Locate = Callable[[str], Place]


def build(star: Star, world: World, place: Locate, select: Iterable[str] = ()) -> Plan:
    """Plan a run of the selected entries, all of them when none is named.

    Raises MappingError when the tables cannot become what the mapping wants without losing data.
    """
    chosen = set(select) or {entry.name for entry in star.entries}
    entries = [entry for entry in star.entries if entry.name in chosen]
    refuse(problem for entry in entries for problem in schema_problems(star, entry, world, place))
    keys = {entry.name: key_steps(star, entry, world) for entry in entries}
    return Plan(
        mapping=star.name,
        schema=(
            *create_schema(star, world),
            *(step for entry in entries for step in table_steps(star, entry, world)),
            *(step for entry in entries for step in description_steps(star, entry, world)),
        ),
        stages=tuple(stage_plan(star, entry, world) for entry in entries),
        load=tuple(
            step
            for entry in entries
            for step in load_steps(star, entry, world, place, keys[entry.name])
        ),
        checks=tuple(
            step
            for entry in entries
            for step in check_steps(star, entry, world, state_of(entry, world).empty)
        ),
        source_counts=tuple(
            (entry.name, check)
            for entry in entries
            for check in entry.checks
            if counts_with_source(check)
        ),
        fingerprints={entry.name: fingerprint(star, entry) for entry in entries},
        notices=tuple(
            notice
            for entry in entries
            for notice in (*left_over(star, entry, world), *_reading_notice(entry, world))
        ),
    )


def state_of(entry: Entry, world: World) -> TableState:
    """Return the table of an entry as it is now."""
    return world.tables.get(entry.name, TableState())


def _reading_notice(entry: Entry, world: World) -> Iterator[Notice]:
    reading = world.readings.get(entry.name, Reading())
    if reading.reason:
        yield Notice(entry.name, reading.reason)


def stage_plan(star: Star, entry: Entry, world: World) -> StagePlan:
    """Plan how the rows of an entry get into its stage."""
    name, table = entry.name, stage(star, entry)
    if isinstance(entry, Dimension) and entry.calendar:
        return _calendar_plan(entry, table)
    source = entry.source
    if source is None:
        raise ValueError(f"{name} has neither a source nor a calendar")
    columns = world.sources[name]
    staged = tuple(ColumnDefinition(column.name, column.type) for column in columns)
    types = {column.name: column.type for column in columns}
    reading, cursor = world.readings.get(name, Reading()), source.cursor
    window = cursor and Window(
        cursor.column, types[cursor.column], reading.low, nulls=cursor.null != "never"
    )
    null_cursors: CountNullCursors | CountStagedNullCursors | None = None
    if cursor and cursor.null == "never":
        null_cursors = CountNullCursors(
            entry=name, connection=source.connection, query=source.query, column=cursor.column
        )
    elif cursor:
        null_cursors = CountStagedNullCursors(entry=name, stage=table, column=cursor.column)
    return StagePlan(
        entry=name,
        create=CreateStage(entry=name, stage=table, columns=staged),
        fill=Copy(
            entry=name,
            connection=source.connection,
            query=source.query,
            columns=columns,
            window=window,
            stage=table,
            binary=not any(column.cast for column in columns),
        ),
        analyze=Analyze(entry=name, table=table),
        null_cursors=null_cursors,
        highest=cursor
        and HighestCursor(
            entry=name,
            stage=table,
            column=cursor.column,
            type=types[cursor.column],
            limit=world.limits.get(name, {}).get(types[cursor.column], ""),
        ),
    )


def _calendar_plan(dimension: Dimension, table: Table) -> StagePlan:
    from_calendar = definitions_of_calendar(dimension)
    return StagePlan(
        entry=dimension.name,
        create=CreateStage(entry=dimension.name, stage=table, columns=from_calendar),
        fill=FillCalendar(
            entry=dimension.name,
            stage=table,
            calendar=dimension.calendar,  # type: ignore[arg-type]  # asked for by the caller
            key=dimension.key,
            columns=tuple(column.name for column in from_calendar),
        ),
        analyze=Analyze(entry=dimension.name, table=table),
    )


def definitions_of_calendar(dimension: Dimension) -> tuple[ColumnDefinition, ...]:
    """Return what the stage of a calendar holds: the key and every generated column."""
    from engine.plan.shape import CALENDAR_TYPES

    generated = [ColumnDefinition(name, type_) for name, type_ in CALENDAR_TYPES.items()]
    return (ColumnDefinition(dimension.key, key_type(dimension)), *generated)


def load_steps(
    star: Star, entry: Entry, world: World, place: Locate, keys: tuple[Step, ...]
) -> Iterator[Step]:
    """Plan how the staged rows of an entry get into its table."""
    table, own = target(star, entry), rows(star, entry, world)
    match = match_columns(entry)
    fresh = state_of(entry, world).empty
    rules: list[Rule] = []
    for step, rule in reject_steps(star, entry, world, place, prove=not (fresh and keys)):
        rules += [rule] if step.measure == "rejected" else []
        yield step
    if rules:
        yield Quarantine(entry=entry.name, mapping=star.name, stage=own.stage, rules=tuple(rules))
    updates = _updates(entry, world)
    compare = tuple(name for name in own.columns if name not in match) if updates else ()
    if isinstance(entry, Dimension):
        compare = tuple(name for name in compare if name != entry.key)
    if not fresh:
        shown = own if compare else own.only(match)
        yield CountUnchanged(
            entry=entry.name, table=table, rows=shown, match=match, compare=compare
        )
        if compare:
            yield UpdateChanged(
                entry=entry.name, table=table, rows=own, match=match, compare=compare
            )
    yield InsertNew(
        entry=entry.name,
        table=table,
        rows=own,
        match=() if fresh else match,
        order=match if isinstance(entry, Dimension) else (),
    )
    if entry.load == "replace" and not fresh:
        yield DeleteGone(
            entry=entry.name,
            table=table,
            rows=own.only(match),
            match=match,
            key=entry.key if isinstance(entry, Dimension) else "",
            referenced_by=_referring(star, entry),
        )
    yield from keys
    if isinstance(entry, Dimension):
        yield from member_steps(star, entry, world)
    if fresh:
        yield Analyze(entry=entry.name, table=table)


def _updates(entry: Entry, world: World) -> bool:
    """Say whether rows that are there already may change."""
    if isinstance(entry, Dimension):
        return entry.load != "insert"
    return entry.load != "append" or world.readings.get(entry.name, Reading()).reconcile


def _referring(star: Star, entry: Entry) -> tuple[tuple[Table, str], ...]:
    """Return every fact's table and key column that refers to a dimension."""
    return tuple(
        (target(star, fact), lookup.column)
        for fact in star.facts
        for lookup in fact.lookups
        if lookup.dimension == entry.name
    )


def reject_steps(
    star: Star, entry: Entry, world: World, place: Locate, *, prove: bool
) -> Iterator[tuple[Step, Rule]]:
    """Plan what takes rows out of the batch, and what proves that the others can be loaded.

    `prove` is False when the keys of a new table are built after the rows and prove the same.
    """
    own, match, name = rows(star, entry, world), match_columns(entry), entry.name
    word = "natural_key" if isinstance(entry, Dimension) else "grain"
    key = _rule(f"{entry.path}.{word}", f"the {word.replace('_', ' ')} is null", place)
    if entry.source:
        yield RejectNullKeys(entry=name, rows=own.only(match), match=match, rule=key), key
        if entry.source.dedupe:
            twice = _rule(f"{entry.path}.source.dedupe", "another row of this key came first", place)
            yield (
                RejectDuplicates(
                    entry=name,
                    rows=own.only(match),
                    match=match,
                    order=entry.source.dedupe,
                    rule=twice,
                ),
                twice,
            )
        elif prove:
            unique = _rule(f"{entry.path}.{word}", f"the {word.replace('_', ' ')} is not unique", place)
            yield ProveUnique(entry=name, rows=own.only(match), match=match, rule=unique), unique
    if isinstance(entry, Fact):
        yield from _lookup_steps(star, entry, world, place)
    for check in entry.checks:
        if check.reject and check.kind in ROW_WISE:
            yield from _check_steps(star, entry, check, world, place)


def _lookup_steps(
    star: Star, fact: Fact, world: World, place: Locate
) -> Iterator[tuple[Step, Rule]]:
    table = stage(star, fact)
    joins = {join.column: join for join in rows(star, fact, world).joins}
    for lookup in fact.lookups:
        rule = _rule(lookup.path, f"no member of {lookup.dimension} for {lookup.column}", place)
        join = joins[lookup.column]
        if lookup.missing == "reject":
            yield RejectMissing(entry=fact.name, stage=table, join=join, rule=rule), rule
        elif lookup.missing == "fail":
            yield ProveFound(entry=fact.name, stage=table, join=join, rule=rule), rule


def _check_steps(
    star: Star, entry: Entry, check: Check, world: World, place: Locate
) -> Iterator[tuple[Step, Rule]]:
    rule = _rule(check.path, f"check {label(check)}", place)
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


def _rule(path: str, text: str, place: Locate) -> Rule:
    where = place(path)
    return Rule(path, text, f"{where.file}:{where.line}:{where.column}" if where.file else "")


def member_steps(star: Star, dimension: Dimension, world: World) -> Iterator[Step]:
    """Plan the special members of a dimension; they need its primary key."""
    wanted = [c for c in definitions(star, dimension, world) if c.name != dimension.key]
    for member in dimension.special_members:
        given = dict(member.values)
        yield EnsureMember(
            entry=dimension.name,
            table=target(star, dimension),
            member=member.name,
            key=dimension.key,
            number=member.key,
            identity=dimension.calendar is None,
            values=tuple((column, given.get(column.name)) for column in wanted),
        )


def create_statements(star: Star, world: World) -> Iterator[Step]:
    """Return the steps that make an empty star: schema, tables, keys, descriptions."""
    bare = World(world.sources, world.types)
    yield from create_schema(star, bare)
    for entry in star.entries:
        yield from table_steps(star, entry, bare)
        yield from key_steps(star, entry, bare)
        yield from description_steps(star, entry, bare)
