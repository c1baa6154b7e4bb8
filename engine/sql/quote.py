"""The only ways in which a name or a value gets into SQL: each returns a Fragment, which alone can print."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from engine.mapping.model import Scalar
from engine.plan.steps import Table


class Fragment(str):
    """A piece of SQL that is safe to print: quoted, or text of the mapping that is meant as SQL."""

    __slots__ = ()


def ident(name: str) -> Fragment:
    """Quote an identifier; ValueError when it is empty or holds a NUL, which SQL cannot say."""
    if not name or "\0" in name:
        raise ValueError(f"not an identifier: {name!r}")
    return Fragment('"' + name.replace('"', '""') + '"')


def table(name: Table) -> Fragment:
    """Quote a table with its schema."""
    return Fragment(f"{ident(name.schema)}.{ident(name.name)}")


def column(name: str, alias: str = "") -> Fragment:
    """Quote a column, with the alias of its table when one is given."""
    return Fragment(f"{alias}.{ident(name)}" if alias else ident(name))


def columns(names: Iterable[str], alias: str = "") -> Fragment:
    """Quote a list of columns."""
    return Fragment(", ".join(column(name, alias) for name in names))


def literal(value: Scalar | date | Decimal) -> Fragment:
    """Quote a value: numbers, booleans and NULL as they are, all else as a string constant.

    Strings double their quotes, which is enough as the engine pins standard_conforming_strings.
    """
    if value is None:
        return Fragment("null")
    if isinstance(value, bool):
        return Fragment("true" if value else "false")
    if isinstance(value, int):
        return Fragment(str(value))
    text = str(value)
    if "\0" in text:
        raise ValueError("a value with a NUL character cannot be said in SQL")
    return Fragment("'" + text.replace("'", "''") + "'")


def typed(value: Scalar | date | Decimal, type_: str) -> Fragment:
    """Quote a value and give it a type, so that nothing is guessed: `'5'::integer`."""
    if value is None:
        return Fragment(f"null::{type_name(type_)}")
    if isinstance(value, bool):
        value = "true" if value else "false"
    return Fragment(f"{literal(str(value))}::{type_name(type_)}")


def listed(rows: Iterable[Iterable[Scalar | date]]) -> Fragment:
    """Say rows of values as they stand after VALUES, a line for each."""
    return Fragment(",\n".join(f"({', '.join(map(literal, row))})" for row in rows))


def type_name(name: str) -> Fragment:
    """Return a type's name, as the database itself spells it; ValueError for what cannot be one."""
    if not name or ";" in name or "--" in name or "'" in name:
        raise ValueError(f"not a type: {name!r}")
    return Fragment(name)


def expression(text: str) -> Fragment:
    """Wrap SQL of the mapping in parentheses; a line of its own when a comment could swallow the end."""
    return Fragment(f"(\n{text}\n)" if "--" in text else f"({text})")


def ordering(text: str) -> Fragment:
    """Return the mapping's ORDER BY list, with a line end where a comment could swallow what follows."""
    return Fragment(f"{text}\n" if "--" in text else text)


def query(text: str) -> Fragment:
    """Put a query of the mapping into parentheses of its own lines, where comments end by themselves."""
    return Fragment(f"(\n{text}\n)")
