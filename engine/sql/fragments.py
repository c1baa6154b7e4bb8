"""Pieces of SQL that several templates share: conditions on columns, the shaped rows of a stage."""

from __future__ import annotations

from collections.abc import Iterable

from engine.mapping.history import IS_CURRENT, VALID_FROM, VALID_TO
from engine.mapping.model import Period, Scalar
from engine.plan.periods import DIGITS
from engine.plan.steps import (
    Border,
    ColumnDefinition,
    Condition,
    Copy,
    CountSource,
    Join,
    Part,
    Periods,
    Reached,
    Rows,
    StagedColumn,
    Step,
    Value,
    Window,
    Within,
)
from engine.sql.quote import (
    Fragment,
    column,
    columns,
    expression,
    ident,
    literal,
    query,
    table,
    type_name,
    typed,
)

# Types without an equality operator, or whose equality is not sameness (boxes compare by area), TRAPS 15.
BY_TEXT = (
    # json too: as jsonb, equal documents would be equal however they are spelled, but \u0000 fails
    *("json", "xml", "jsonpath", "refcursor", "pg_snapshot", "txid_snapshot"),
    *("point", "line", "lseg", "box", "path", "polygon", "circle"),
)
COMPARED_AS = {
    **{name + array: "text" for name in BY_TEXT for array in ("", "[]")},
}
TEXT_TYPES = ("text", "character varying", "bpchar")


def equals(
    names: Iterable[str], values: Iterable[Scalar], types: dict[str, str], of: str
) -> Fragment:
    """Say that columns have these values."""
    pairs = zip(names, values, strict=True)
    return Fragment(" and ".join(f"{column(n, of)} = {typed(v, types[n])}" for n, v in pairs))


def equal(names: Iterable[str], left: str, right: str) -> Fragment:
    """Say that two rows have the same key."""
    return Fragment(" and ".join(f"{column(n, left)} = {column(n, right)}" for n in names))


def parent_of(pairs: Iterable[tuple[str, str]], parent: str, child: str) -> Fragment:
    """Say that a row has the key that another one has as its parent's."""
    listed = (f"{column(own, parent)} = {column(above, child)}" for own, above in pairs)
    return Fragment(" and ".join(listed))


def same(names: Iterable[str], left: str, right: str) -> Fragment:
    """Say that two rows have the same values, NULL as one of them, so that it can be hashed (steps.junk)."""
    pairs = ((column(name, left), column(name, right)) for name in names)
    return Fragment(" and ".join(f"array[{one}] = array[{other}]" for one, other in pairs))


def distinct(names: Iterable[str], types: dict[str, str], left: str, right: str) -> Fragment:
    """Say that two rows differ in a column; NULL is a value like another (TRAPS 20, 21)."""
    return Fragment(
        "("
        + " or ".join(
            f"{_comparable(name, types, left)} is distinct from {_comparable(name, types, right)}"
            for name in names
        )
        + ")"
    )


def unlike(of: ColumnDefinition, value: Scalar, alias: str) -> Fragment:
    """Say that a column has another value than this one."""
    compared_as = COMPARED_AS.get(of.type)
    wanted = f"{typed(value, of.type)}::{compared_as}" if compared_as else typed(value, of.type)
    return Fragment(
        f"({_comparable(of.name, {of.name: of.type}, alias)} is distinct from {wanted})"
    )


def differs(names: Iterable[str], types: dict[str, str], line: str) -> Fragment:
    """Say that a row differs in a column from the one before it in a window."""
    compared = [_comparable(name, types, "") for name in names]
    changes = (f"{now} is distinct from lag({now}) over {ident(line)}" for now in compared)
    return Fragment("(" + " or ".join(changes) + ")")


def _comparable(name: str, types: dict[str, str], alias: str) -> Fragment:
    compared_as = COMPARED_AS.get(types.get(name, ""))
    return Fragment(f"{column(name, alias)}::{compared_as}" if compared_as else column(name, alias))


def any_null(names: Iterable[str], alias: str) -> Fragment:
    """Say that at least one column is NULL."""
    return Fragment("(" + " or ".join(f"{column(name, alias)} is null" for name in names) + ")")


def no_null(names: Iterable[str], alias: str) -> Fragment:
    """Say that no column is NULL."""
    return Fragment(" and ".join(f"{column(name, alias)} is not null" for name in names))


def definition(wanted: ColumnDefinition) -> Fragment:
    """Say a column as in CREATE TABLE. A surrogate key is GENERATED ALWAYS: nobody else gives keys."""
    words = [ident(wanted.name), type_name(wanted.type)]
    if wanted.identity:
        words.append(Fragment("generated always as identity"))
    if wanted.not_null:
        words.append(Fragment("not null"))
    if wanted.default is not None:
        words.append(Fragment(f"default {literal(wanted.default)}"))
    if wanted.computed:
        words.append(Fragment(f"default {expression(wanted.computed)}"))
    return Fragment(" ".join(words))


def stamps(step: Step) -> Fragment:
    """Say, after what else a row gets, who changed it and when."""
    return Fragment("".join(f", {ident(n)} = {expression(sql)}" for n, sql in step.stamps))


def value(of: Value) -> Fragment:
    """Compute one column of the star from a staged row."""
    computed = ident(of.name) if of.expression is None else expression(of.expression)
    if of.step:
        day = "timestamp '2000-01-01'"
        binned = f"date_bin({literal(of.step)}, {day} + {computed}::time, {day})"
        return Fragment(f"({binned})::time")
    return Fragment(f"{computed}::{type_name(of.cast)}" if of.cast else computed)


def staged(of: StagedColumn) -> Fragment:
    """Read one column of a source query, cast where the warehouse does not know its type."""
    name = column(of.name, "q")
    return Fragment(f"{name}::{type_name(of.cast)} as {ident(of.name)}" if of.cast else name)


def kept(columns: Iterable[ColumnDefinition], alias: str) -> Fragment:
    """Say columns so that jsonb can hold them: json, which may have an escaped NUL, as its text."""
    texts = {"json": "text", "json[]": "text[]"}
    return Fragment(
        ", ".join(
            f"{column(c.name, alias)}::{texts[c.type]} as {ident(c.name)}"
            if c.type in texts
            else column(c.name, alias)
            for c in columns
        )
    )


def inside(sql: Fragment) -> Fragment:
    """Return SQL that may stand in a block; ValueError where it would end it."""
    if "$partitions$" in sql:
        raise ValueError(
            "SQL with $partitions$ in it cannot stand in the block that makes partitions"
        )
    return sql


def digits(every: Period) -> Fragment:
    """Say the form in which a period is named by its first day, as to_char takes it."""
    return literal("YYYYMMDD"[: DIGITS[every]])


def within(of: Within, alias: str) -> Fragment:
    """Say that a row lies in a range, which ends before its second border."""
    name = column(of.column, alias)
    return Fragment(f"{name} >= {literal(of.low)} and {name} < {literal(of.high)}")


def bytewise(type_: str) -> Fragment:
    """Say, after a column, that text is compared byte by byte, as every server does it (TRAPS 10)."""
    return Fragment('::text collate "C"' if type_ in TEXT_TYPES else "")


def lacking(names: Iterable[str]) -> Fragment:
    """Say that at least one of the columns of a row is NULL."""
    return Fragment(" or ".join(f"{ident(name)} is null" for name in names))


def believed(of: Reached) -> Fragment:
    """Say which values of a cursor count: no others below the watermark, none that cannot be true yet."""
    name, wanted = f"{ident(of.column)}{bytewise(of.type)}", []
    if of.low is not None:
        wanted.append(f"{name} >= {typed(of.low, of.type)}")
    if of.limit:
        wanted.append(f"{ident(of.column)} < {typed(of.limit, of.type)}")
    return Fragment(f" filter (where {' and '.join(wanted)})" if wanted else "")


def newer(asked: Window, alias: str) -> Fragment:
    """Say that a row of the source is at or after a watermark, or in a range; text by bytes (TRAPS 10)."""
    new = [_newer(border, alias) for border in asked.borders]
    if asked.high is not None:
        high = typed(asked.high, asked.type)
        return Fragment(
            f"{new[0]} and {column(asked.column, alias)}{bytewise(asked.type)} < {high}"
        )
    return new[0] if len(new) == 1 else Fragment(f"({' or '.join(new)})")


def _newer(border: Border, alias: str) -> Fragment:
    name = column(border.column, alias)
    if border.low is None:
        return Fragment(f"{name} is not null")
    condition = f"{name}{bytewise(border.type)} >= {typed(border.low, border.type)}"
    return Fragment(f"({condition} or {name} is null)" if border.nulls else condition)


def asked(of: Copy | CountSource) -> Fragment:
    """Say the query of a source, of a periodic snapshot for each of its periods."""
    if of.periods is None:
        return query(of.query)
    return Fragment(f"(\n{before_query(of.periods)}{of.query}{AFTER_QUERY}\n)")


AFTER_QUERY = "\n) as q"


def before_query(periods: Periods) -> str:
    """Say what comes before a query that is asked for each period, and closed by AFTER_QUERY."""
    step = literal(f"1 {periods.every}")
    days = ", ".join(f"{literal(day)}::timestamp" for day in (periods.first, periods.last))
    return (
        f"select q.*, period.start as {ident(periods.column)}\n"
        f'from (select g::date as start, (g + interval {step})::date as "end" '
        f"from generate_series({days}, interval {step}) as g) as period\n"
        "cross join lateral (\n"
    )


def window(of: Copy | CountSource) -> Fragment:
    """Say which rows of a query are asked for, as a WHERE clause; nothing when all of them are."""
    asked = of.window
    if asked is None or any(border.low is None and border.nulls for border in asked.borders):
        return Fragment("")
    new = newer(asked, "q")
    if asked.keys and any(border.low is not None for border in asked.borders):
        new = Fragment(
            f"({new} or ({columns(asked.keys, 'q')}) in (\n"
            f"  select {columns(asked.keys, 'k')} from {query(of.query)} as k where {newer(asked, 'k')}\n))"
        )
        there = " or ".join(f"{column(border.column, 'q')} is not null" for border in asked.borders)
        if not any(border.nulls for border in asked.borders):
            new = Fragment(f"{new} and {f'({there})' if asked.further else there}")
    return Fragment(f"where {new}")


def inside_part(part: Part, alias: str) -> Fragment:
    """Say that a row is in a range of a column; in the first one are those without a value too."""
    name = column(part.column, alias)
    low = f"{name} >= {typed(part.low, part.type)}" if part.low is not None else ""
    high = f"{name} < {typed(part.high, part.type)}" if part.high is not None else ""
    if not low:
        return Fragment(f"({high} or {name} is null)")
    return Fragment(" and ".join(each for each in (low, high) if each))


def _both(where: Fragment, condition: Fragment) -> Fragment:
    return Fragment(f"{where} and {condition}" if where else f"where {condition}")


def branches(of: Copy) -> tuple[Fragment, ...]:
    """Say in which parts a query is asked, each by its WHERE clause, so that no row comes twice.

    Of several cursors each has a part: no index serves "this or that" over a join, and one serves each of
    them (500,000 orders of 10,000 products, indexes on both cursors: 16 ms, and 320 ms with OR).
    """
    if of.part:  # in which case all is read
        return (_both(window(of), inside_part(of.part, "q")),)
    asked, whole = of.window, window(of)
    if not whole or asked is None or not asked.further or asked.keys:
        return (whole,)
    if any(border.low is None for border in asked.borders):  # all is read: once is enough
        return (whole,)
    new = [_newer(border, "q") for border in asked.borders]
    parts = ([one, *(f"({before}) is not true" for before in new[:n])] for n, one in enumerate(new))
    return tuple(Fragment(f"where {' and '.join(part)}") for part in parts)


def probes(join: Join) -> tuple[tuple[str, Value], ...]:
    """Pair a name for each value that a lookup compares with that value; a time comes last."""
    compared = (*join.on, join.as_of) if join.as_of else join.on
    return tuple((f"${join.column}.{n}", v) for n, v in enumerate(compared))


def looked_for(join: Join) -> tuple[tuple[str, Value], ...]:
    """Return those of the probes that are the key of a member."""
    return probes(join)[: len(join.on)]


def looked_at(join: Join) -> tuple[tuple[str, Value], ...]:
    """Return those of the probes that are a time: one, or none."""
    return probes(join)[len(join.on) :]


def meets(join: Join, member: str, row: str) -> Fragment:
    """Say that a member of a dimension is the one that a row looks up."""
    form = "array[{}] = array[{}]" if join.nulls else "{} = {}"
    found = [
        form.format(column(v.name, member), column(n, row)) for n, v in probes(join) if v in join.on
    ]
    if join.nulls:
        found.append(f"{column(join.key, member)} > 0")
    if join.as_of:
        time = column(probes(join)[-1][0], row)
        found.append(f"{column(VALID_FROM, member)} <= {time}")
        found.append(f"{time} < {column(VALID_TO, member)}")
    elif join.history:
        found.append(str(column(IS_CURRENT, member)))
    return Fragment(" and ".join(found))


def looked_up(join: Join, member: str) -> Fragment:
    """Say the key that a lookup gives: the member's, or the unknown member's."""
    found = column(join.key, member)
    if join.unknown is None:
        return found
    return Fragment(f"coalesce({found}, {literal(join.unknown)})")


def rows(of: Rows, row_id: bool = False) -> Fragment:
    """Say the staged rows that are not rejected, in the target's shape, as a subquery.

    Expressions are computed below the joins, where no column of a dimension can be mistaken for one of
    the query. With `row_id`, the rows carry "$row", which finds them again in the stage.
    """
    inner = [f"{value(v)} as {ident(v.name)}" for v in of.values]
    inner += [f"{value(v)} as {ident(n)}" for join in of.joins for n, v in probes(join)]
    inner += ['ctid as "$row"'] if row_id else []
    below = (
        "select\n    "
        + ",\n    ".join(inner or ["1"])
        + f"\n  from {table(of.stage)}"
        + ("" if of.rejected else '\n  where "$reject" is null')
    )
    if not of.joins:
        return Fragment(f"(\n  {below}\n)")
    outer = [
        f"{looked_up(join, f'l{n}')} as {ident(join.column)}" for n, join in enumerate(of.joins)
    ]
    outer += [str(column(v.name, "v")) for v in of.values]
    outer += ['v."$row"'] if row_id else []
    joined = "\n".join(
        f"left join {table(join.table)} as l{n} on {meets(join, f'l{n}', 'v')}"
        for n, join in enumerate(of.joins)
    )
    return Fragment(f"(\nselect {', '.join(outer)}\nfrom (\n  {below}\n) as v\n{joined}\n)")


def broken(condition: Condition, alias: str) -> Fragment:
    """Say that a row breaks a check. A NULL breaks not_null alone: use two checks to forbid both."""
    check, name = condition.check, column(condition.column, alias)
    if check.kind == "not_null":
        return Fragment(f"{name} is null")
    if check.kind == "accepted":
        accepted = ", ".join(typed(v, condition.type) for v in check.values)
        return Fragment(f"{name} not in ({accepted})")
    if check.kind == "references":
        if condition.members is None:
            raise ValueError("a references condition names its members")
        return Fragment(
            f"({name} is not null and not exists (select from {table(condition.members)} as m "
            f"where {column(condition.key, 'm')} = {name}))"
        )
    low = [f"{name} < {typed(check.low, condition.type)}"] if check.low is not None else []
    high = [f"{name} > {typed(check.high, condition.type)}"] if check.high is not None else []
    return Fragment("(" + " or ".join(low + high) + ")")
