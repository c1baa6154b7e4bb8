"""Find out which expression of a mapping a database could not compute, and for which row."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database.connect import execute
from engine.database.failure import StepFailedError, message_of
from engine.mapping.document import Document
from engine.mapping.model import Star
from engine.plan.shape import STAGE_SCHEMA, match_columns, short_name
from engine.plan.steps import Join, Rows, Step, Table, Value
from engine.sql.fragments import value
from engine.sql.quote import ident, table, type_name
from engine.values import dataclass

PATIENCE = 60  # seconds for the whole search: the run has failed, and a person waits for the reason
SHOWN = 100  # characters of a key
MOST_ROWS = 65_536  # of a page: as many as its numbers allow


@dataclass(frozen=True, slots=True)
class Suspect:
    """An expression that may have failed. With `type` it is the value of a column of that type."""

    path: str
    value: Value
    type: str


def explained(
    error: StepFailedError, star: Star, document: Document, warehouse: Connection
) -> StepFailedError:
    """Return the error with its place in the mapping, and the key of the row, where they can be found.

    The failed transaction has ended; the stage is as it was filled. What is tried here is rolled back.
    """
    step, refusal = error.step, error.__cause__
    origin = refusal.orig if isinstance(refusal, DBAPIError) else refusal
    if not isinstance(origin, psycopg2.DataError) or not step.entry:
        return error
    path, row = _searched(step, origin, star, document, warehouse)
    if not path:
        return error
    what = str(error).removeprefix(f"{step.entry}: ")
    found = StepFailedError(f"{document.place(path)}: {what}{row}", step)
    found.__cause__ = refusal
    return found


def _searched(
    step: Step, origin: psycopg2.Error, star: Star, document: Document, warehouse: Connection
) -> tuple[str, str]:
    """Return the path of what failed, and a word about the row; both empty when nothing was found."""
    rows, join = getattr(step, "rows", None), getattr(step, "join", None)
    stage = rows.stage if isinstance(rows, Rows) else getattr(step, "stage", None)
    about = getattr(step, "rule", None) or getattr(step, "check", None)
    own = str(getattr(about, "path", ""))  # a rule's or a check's own comparison may be what failed
    if not isinstance(stage, Table):
        return own, ""
    until = time.monotonic() + PATIENCE
    search = _Search(origin, warehouse, stage, table(_scratch(star, step)), until)
    for suspect in _suspects(step.reads, rows, join, star, document):
        if search.fails(suspect):
            return suspect.path, search.row(suspect, step.reads, star)
    return own, ""


def _scratch(star: Star, step: Step) -> Table:
    return Table(STAGE_SCHEMA, short_name(f"{star.name}.{step.entry}.try"))


def _suspects(
    name: str, rows: object, join: object, star: Star, document: Document
) -> Iterator[Suspect]:
    """Return what a step computes: columns with an expression or a type of their own, and lookups."""
    entry = next(entry for entry in star.entries if entry.name == name)
    for each in rows.values if isinstance(rows, Rows) else ():
        if each.expression is not None or each.cast:
            path = f"{entry.path}.columns.{each.name}"
            yield Suspect(document.text_path(path, "expr"), each, each.type)
    joins = rows.joins if isinstance(rows, Rows) else ()
    for lookup in (*joins, *((join,) if isinstance(join, Join) else ())):
        path = document.text_path(f"{entry.path}.lookups.{lookup.column}", "on")
        for each in lookup.on:
            yield Suspect(document.text_path(path, each.name), each, "")


@dataclass(frozen=True, slots=True)
class _Search:
    """Tries expressions on parts of a stage until one fails as the step has."""

    origin: psycopg2.Error
    warehouse: Connection
    stage: Table
    scratch: str
    until: float  # by time.monotonic

    def fails(self, suspect: Suspect, part: str = "true") -> bool:
        """Say whether an expression fails on a part of the stage just as the step did."""
        left = int(1000 * (self.until - time.monotonic()))
        if left <= 0:
            return False
        computed = f"select {value(suspect.value)} as c from {table(self.stage)} where {part}"
        statements = [f"set local statement_timeout = {left}"]
        if suspect.type:  # an assignment, as it alone proves that a text is not too long
            statements.append(f"create table {self.scratch} (c {type_name(suspect.type)})")
            statements.append(f"insert into {self.scratch} {computed}")
        else:
            statements.append(f"select count(c) from ({computed}) as q")
        try:
            for statement in statements:
                execute(self.warehouse, statement).close()
        except DBAPIError as error:
            same = getattr(error.orig, "pgcode", "") == self.origin.pgcode
            return same and message_of(error) == message_of(self.origin)
        finally:
            self.warehouse.rollback()
        return False

    def row(self, suspect: Suspect, name: str, star: Star) -> str:
        """Return a word about the first row for which an expression fails, by halving."""
        size = (
            f"select pg_relation_size('{self.stage_literal}') / current_setting('block_size')::int"
        )
        pages = int(execute(self.warehouse, size).scalar_one())
        page = self._halved(suspect, 0, pages, "({}, 0)")
        item = self._halved(suspect, 0, MOST_ROWS - 1, f"({page}, {{}})")
        spot = f"ctid = '({page}, {item})'"
        if not self.fails(suspect, spot):  # there was no time left, or it fails by chance
            return ""
        entry = next(entry for entry in star.entries if entry.name == name)
        copied = {column.name for column in entry.columns if column.expr is None}
        keys = [column for column in match_columns(entry) if column in copied]
        if not keys:
            return ""
        listed = ", ".join(f"left({ident(key)}::text, {SHOWN})" for key in keys)
        found = execute(
            self.warehouse,
            f"select {listed} from {table(self.stage)} where {spot}",
        ).first()
        self.warehouse.rollback()
        pairs = zip(keys, found, strict=True) if found else ()
        return "; in the row with " + ", ".join(f"{k} = {v}" for k, v in pairs) if found else ""

    @property
    def stage_literal(self) -> str:
        """The stage as text of SQL that names a table."""
        return str(table(self.stage)).replace("'", "''")

    def _halved(self, suspect: Suspect, low: int, high: int, place: str) -> int:
        """Return the one number from `low` to below `high` at whose place the expression fails."""
        while high - low > 1:
            middle = (low + high) // 2
            part = f"ctid >= '{place.format(low)}' and ctid < '{place.format(middle)}'"
            low, high = (low, middle) if self.fails(suspect, part) else (middle, high)
        return low
