"""The types of a query's columns, asked of the database itself: SQL of a mapping is never parsed."""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

from engine.database.ask import ask
from engine.values import dataclass

NUMERIC = 1700
UNLIMITED = 65535
# varchar, char, bit, bit varying and their arrays, and numeric[]: what carries a modifier in this form.
SIZED = frozenset({1043, 1015, 1042, 1014, 1560, 1561, 1562, 1563, 1231})

MOST_DIGITS = 6  # of a second; the database takes more for so many
DIGITS = re.compile(r"\(\s*(\d+)\s*\)")
UNTOLD = re.compile(r'(timestamp|time|interval|"bit")((?: with(?:out)? time zone)?(?:\[\])?)')

CATALOG = text("""
select t.ord, format_type(t.oid, t.typmod) as name, p.typtype as kind, p.typsend = 0 as unsendable,
  coalesce(e.typtype, '') as element, e.oid >= 16384 as own_element, p.oid >= 16384 as own, p.typname,
  p.typcategory
from unnest(cast(:oids as oid[]), cast(:mods as integer[])) with ordinality as t(oid, typmod, ord)
join pg_type as p on p.oid = t.oid
left join pg_type as e on e.oid = p.typelem and p.typcategory = 'A'
order by t.ord
""")


@dataclass(frozen=True, slots=True)
class Described:
    """A column of a query: `type` as the database spells it; `cast` is what it must become to travel.

    Types that only the source knows (enums, extensions, its own tables) travel as text, arrays of them
    as text[]. Domains are described by the server as what they are made of.
    """

    name: str
    type: str
    cast: str = ""
    pseudo: bool = False


def describe(connection: Connection, sql: str) -> tuple[Described, ...]:
    """Return the columns of a query without running it: LIMIT 0 checks names, types and permissions."""
    result = ask(connection, sql)
    columns = result.cursor.description or ()
    names = [column.name for column in columns]
    oids = [column.type_code for column in columns]
    mods = [_modifier(column) for column in columns]
    result.close()
    if not oids:
        return ()
    rows = connection.execute(CATALOG, {"oids": oids, "mods": mods}).all()
    return tuple(Described(name, *_travels(row)) for name, row in zip(names, rows, strict=True))


def precise(found: str, said: str) -> str:
    """Return a type as found with the digits that the mapping says, of which the driver tells nothing.

    It knows no precision of times and intervals, and no length of a few bits (see _modifier).
    """
    digits, known = DIGITS.search(said), UNTOLD.fullmatch(found)
    if not digits or not known:
        return found
    name, rest = known.groups()
    if name == '"bit"':
        return f"bit({digits[1]}){rest}"
    return f"{name}({min(int(digits[1]), MOST_DIGITS)}){rest}"


def _travels(row: object) -> tuple[str, str, bool]:
    name, kind = str(row.name), row.kind  # type: ignore[attr-defined]
    category, element = row.typcategory, row.element  # type: ignore[attr-defined]
    if kind == "p":
        return name, "", True
    if category == "A" and (row.own_element or element == "e"):  # type: ignore[attr-defined]
        return "text[]", "text[]", False
    foreign = row.own or row.unsendable or kind in "ec"  # type: ignore[attr-defined]
    if foreign or row.typname.startswith("reg"):  # type: ignore[attr-defined]
        return "text", "text", False
    return name, "", False


def _modifier(column: object) -> int:
    """Rebuild the type modifier from what psycopg2 makes of it; -1 where there is none or it is lost.

    psycopg2 reports the modifier less the four bytes of a header, and only for types of variable length:
    timestamp(3) comes as timestamp, which holds the same values.
    """
    size = column.internal_size  # type: ignore[attr-defined]
    if column.type_code == NUMERIC:  # type: ignore[attr-defined]
        precision, scale = column.precision, column.scale  # type: ignore[attr-defined]
        return -1 if precision == UNLIMITED else (precision << 16 | scale) + 4
    if size is None or size < 0 or column.type_code not in SIZED:  # type: ignore[attr-defined]
        return -1
    return int(size) + 4
