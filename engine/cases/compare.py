"""Expected rows against the tables of the star, compared by the database's own types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

import psycopg2
from psycopg2 import extensions

from engine.cases.keys import Key, keys
from engine.cases.match import ANY, UNNAMED, compare
from engine.cases.model import Cell, ExpectedTable, Row
from engine.cases.result import FOUND, SAME, WANTED, Failure, Line
from engine.cases.servers import said_by, table_name
from engine.errors import Place, did_you_mean
from engine.mapping.model import Dimension, Star
from engine.plan.shape import bare
from engine.sql.quote import ident
from engine.values import dataclass

RELATIONS = """
select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %s and c.relkind in ('r', 'p', 'v', 'm')
"""
COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
"""


class WrongExpectationError(Exception):
    """What is expected cannot be looked for; carries the failure."""

    def __init__(self, place: Place, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.failure = Failure(place, f"{what} ({hint})" if hint else what)


@dataclass(frozen=True, slots=True)
class Field:
    """A column to compare: how the database says it as a text, its type, and the dimension if it is a key."""

    sql: str
    type: str
    dimension: Dimension | None = None


@dataclass
class Comparer:
    """Compares expectations with one warehouse; `cursor` is in autocommit mode."""

    star: Star
    cursor: extensions.cursor
    _types: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._keys = keys(self.star)

    def failures(self, expected: ExpectedTable) -> Iterator[Failure]:
        """Yield what of a table is otherwise than expected."""
        try:
            self._know(expected.name, expected.place)
            for rows, all_rows in ((expected.rows, True), (expected.contains, False)):
                if rows is not None:
                    yield from self._rows(expected, rows, all_rows=all_rows)
            if expected.count is not None:
                self.cursor.execute(f"select count(*) from {self._from(expected.name, {}, set())}")
                ((found,),) = self.cursor.fetchall()
                if found != expected.count:
                    what = f"{expected.name}: {expected.count:,} rows are expected, there are {found:,}"
                    yield Failure(expected.place, what)
        except WrongExpectationError as wrong:
            yield wrong.failure

    def _rows(
        self, expected: ExpectedTable, rows: Sequence[Row], *, all_rows: bool
    ) -> Iterator[Failure]:
        joins: dict[str, str] = {}
        places = {name: cell.place for row in reversed(rows) for name, cell in row.cells}
        names = tuple(dict.fromkeys(name for row in rows for name in row.columns))
        if (
            not names
        ):  # no row at all is expected; something has to be shown of those that are there
            names = tuple(self._types[expected.name])
        fields = [
            self._field(expected.name, n, places.get(n, expected.place), joins) for n in names
        ]
        wanted = [self._wanted(row, names, fields) for row in rows]
        special = {
            cell
            for row in wanted
            for cell, each in zip(row, fields, strict=True)
            if each.dimension and each.dimension.name == expected.name and isinstance(cell, str)
        }
        source = self._from(expected.name, joins, special)
        said = ", ".join(each.sql for each in fields)
        self.cursor.execute(f"select {said} from {source} order by {said}")
        lines = compare(wanted, self.cursor.fetchall(), all_rows=all_rows)
        if lines:
            yield Failure(expected.place, f"{expected.name}: {_summary(lines)}", names, lines)

    def _wanted(self, row: Row, names: Sequence[str], fields: Sequence[Field]) -> list[object]:
        cells = dict(row.cells)
        return [
            self._cell(cells[name], each, name) if name in cells else UNNAMED
            for name, each in zip(names, fields, strict=True)
        ]

    def _cell(self, cell: Cell, each: Field, name: str) -> object:
        """Return an expected value as the database would say it."""
        if cell.any:
            return ANY
        if cell.text is None:
            return None
        if each.dimension:
            specials = {str(m.key): m.name for m in each.dimension.special_members}
            if cell.text in specials.values():
                return cell.text
            if not cell.text.lstrip("-").isdigit():
                what = f"{name}: {each.dimension.name} has no special member '{cell.text}'"
                raise WrongExpectationError(
                    cell.place, what, did_you_mean(cell.text, specials.values())
                )
            return specials.get(cell.text, cell.text)
        try:
            self.cursor.execute(
                f"select {as_text(f'(%s)::{bare(each.type)}', each.type)}", [cell.text]
            )
        except psycopg2.Error as error:
            raise WrongExpectationError(cell.place, f"{name}: {said_by(error)}") from error
        ((text,),) = self.cursor.fetchall()
        return text

    def _field(self, table: str, name: str, place: Place, joins: dict[str, str]) -> Field:
        """Return how a column is said; the members that a dotted name goes through are joined."""
        owner, alias, way = table, "t", name
        columns = self._columns(owner, place)
        while way not in columns and "." in way:
            key, way = way.split(".", 1)
            found = self._key(owner, key)
            if key not in columns:
                raise _no_column(owner, key, columns, place)
            if found is None:
                raise WrongExpectationError(place, f"{owner}.{key} is the key of no dimension")
            of, alias, owner = alias, f"{alias}.{key}", found.dimension.name
            joins[alias] = found.join(self._name(owner), alias, f"{ident(of)}.{ident(key)}")
            columns = self._columns(owner, place)
        if way not in columns:
            raise _no_column(owner, way, columns, place)
        said = f"{ident(alias)}.{ident(way)}"
        found = self._key(owner, way)
        if found:
            return Field(found.named(said), columns[way], found.dimension)
        return Field(as_text(said, columns[way]), columns[way])

    def _key(self, table: str, column: str) -> Key | None:
        """Return the key that a column holds: of a lookup, or of a dimension whose key is called so."""
        return self._keys.get((table, column)) or self._keys.get(("", column))

    def _from(self, table: str, joins: Mapping[str, str], named: set[str]) -> str:
        """Return the tables to read, less the special members that no expected row names."""
        said = " ".join([f"{self._name(table)} as t", *joins.values()])
        for dimension in self.star.dimensions:
            hidden = [str(m.key) for m in dimension.special_members if m.name not in named]
            if dimension.name == table and hidden:
                return f"{said} where t.{ident(dimension.key)} not in ({', '.join(hidden)})"
        return said

    def _know(self, table: str, place: Place) -> None:
        schema, _, name = table.rpartition(".")
        self.cursor.execute(RELATIONS, [schema or self.star.connection("warehouse").schema])
        known = [name for (name,) in self.cursor.fetchall()]
        if name not in known:
            raise WrongExpectationError(
                place, f"the star has no table or view '{table}'", did_you_mean(name, known)
            )
        self._columns(table, place)

    def _columns(self, table: str, place: Place) -> dict[str, str]:
        if table not in self._types:
            try:
                self.cursor.execute(COLUMNS, [self._name(table)])
            except psycopg2.Error as error:
                raise WrongExpectationError(place, f"{table}: {said_by(error)}") from error
            self._types[table] = dict(self.cursor.fetchall())
        return self._types[table]

    def _name(self, table: str) -> str:
        schema = self.star.connection("warehouse").schema
        return table_name(table if "." in table else f"{schema}.{table}")


def as_text(sql: str, type_: str) -> str:
    """Say how the database writes a value so that equal ones are written alike: 10 for 10.00."""
    if type_.startswith("numeric") and not type_.endswith("[]"):
        return f"trim_scale({sql})::text"
    return f"({sql})::jsonb::text" if type_ == "json" else f"({sql})::text"


def _no_column(
    table: str, name: str, known: Mapping[str, str], place: Place
) -> WrongExpectationError:
    return WrongExpectationError(
        place, f"{table} has no column '{name}'", did_you_mean(name, known)
    )


def _summary(lines: Sequence[Line]) -> str:
    """Say in a few words how the rows differ."""
    differ = sum(line.mark == FOUND and bool(line.different) for line in lines)
    missing = sum(line.mark == WANTED and not line.different for line in lines)
    more = sum(line.mark == FOUND and not line.different for line in lines)
    same = sum(line.mark == SAME for line in lines)
    counts = ((differ, "otherwise"), (missing, "missing"), (more, "not expected"))
    said = ", ".join(f"{count} {_are(count)} {word}" for count, word in counts if count)
    return f"{said}, {same} as expected" if same else said


def _are(count: int) -> str:
    return "row is" if count == 1 else "rows are"
