"""What a database says when it refuses, as sentences for a person."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.database.connect import where_of
from engine.errors import CheckFailedError, EngineError, RunError
from engine.mapping.document import Document
from engine.mapping.history import VALID_FROM
from engine.mapping.model import Dimension, Star
from engine.plan.steps import (
    AddPrimaryKey,
    AddUniqueIndex,
    Copy,
    CountNullCursors,
    CountSource,
    EnsureMember,
    StandIn,
    Step,
    WidenColumn,
)
from engine.retry import is_transient

NEEDS = (
    "the engine's role needs SELECT on what its queries read, and in the warehouse CREATE on the "
    "database, and USAGE and CREATE on the star's schema where that is there already; what another role "
    "has made, the schemas engine and engine_stage and the star's tables, must be its own too: "
    "GRANT that other role to it"
)

NO_PARTITION = "runs make the partitions of a fact that says partition; of another you make them"

# What the survey found well and the source, a moment later, refuses or sends otherwise: it was altered
# meanwhile. The next attempt surveys it anew, and either loads it or says what is wrong with the mapping.
ALTERED = {
    "08P01",  # fewer bytes than the type has
    "22P03",  # other bytes than the type has
    "42703",  # undefined column
    "42883",  # undefined function
    "42P01",  # undefined table
}

READ_ONLY = (
    "a source is only read; a warehouse that cannot be written is a standby, or has "
    "default_transaction_read_only on, or its role has"
)

MEND = "mend the query, or say with source.dedupe which row wins"


class StepFailedError(RunError):
    """A step that a database refused; its cause is what the database said."""

    def __init__(self, what: str, step: Step, *, transient: bool = False) -> None:
        super().__init__(what, transient=transient)
        self.step = step


class KeysError(CheckFailedError):
    """Rows that a key refused; `within` is the place below their entry, of the key unless it is given."""

    def __init__(self, what: str, step: Step, within: str = "") -> None:
        super().__init__(what)
        self.step, self.within = step, within


def message_of(error: BaseException) -> str:
    """Return a database's own sentence, without the statement that SQLAlchemy adds."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(origin, psycopg2.Error) and origin.diag.message_primary:
        return str(origin.diag.message_primary)
    return " ".join(str(origin).split()) or type(origin).__name__  # of libpq, on several lines


def sentence(error: BaseException) -> str:
    """Return what a database said, with its detail, hint and place in a function where there are any."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    text = message_of(error)
    if isinstance(origin, psycopg2.Error):
        diag = origin.diag
        more = [diag.message_detail, diag.message_hint]
        if isinstance(origin, psycopg2.errors.InsufficientPrivilege):
            more.append(NEEDS)
        of_table = diag.table_name and not diag.constraint_name  # no check that somebody has named
        if isinstance(origin, psycopg2.errors.CheckViolation) and of_table:
            more.append(NO_PARTITION)
        if isinstance(origin, psycopg2.errors.ReadOnlySqlTransaction):
            more.append(READ_ONLY)
        text = ". ".join([text, *(part.rstrip(".") for part in more if part)])
    return text


def located(error: BaseException) -> str:
    """Return what a database said, and which one it was."""
    where = where_of(error)
    return f"{where}: {sentence(error)}" if where else sentence(error)


def failure_of(step: Step, error: BaseException, *, proved: bool = False) -> EngineError:
    """Turn the failure of a step into the error that the run ends with.

    `proved` says that the keys of what was read are known to be unique.
    """
    origin = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(origin, psycopg2.errors.UniqueViolation):
        detail = (origin.diag.message_detail or message_of(error)).rstrip(".")
        if isinstance(step, AddPrimaryKey | AddUniqueIndex):
            return _twice(step, detail, proved=proved)
        if isinstance(step, EnsureMember):
            return KeysError(
                f"{step.entry}: the natural key of the special member '{step.member}' is that of a member "
                f"that is there: {detail}; give the special member another one, or none",
                step,
                f"special_members.{step.member}",
            )
    remedy = ""
    if isinstance(step, WidenColumn) and isinstance(origin, psycopg2.errors.FeatureNotSupported):
        remedy = "; drop it, and make it again when the run is done"
    asks = isinstance(step, Copy | CountNullCursors | CountSource)
    altered = asks and getattr(origin, "pgcode", None) in ALTERED
    return StepFailedError(
        f"{step.entry}: {step.called} failed: {sentence(error)}{_spot(origin)}{remedy}".removeprefix(
            ": "
        ),
        step,
        transient=altered or is_transient(error),
    )


def _spot(origin: BaseException | None) -> str:
    """Return the line and the column at which a COPY was refused, where the database tells."""
    context = (origin.diag.context if isinstance(origin, psycopg2.Error) else None) or ""
    # With the value, which may be long, and is the source's own business: not that.
    spot = re.match(r"COPY [^\n]*?, [^\n:]*", context)
    return f" ({spot.group()})" if spot else ""


def _twice(step: AddPrimaryKey | AddUniqueIndex, detail: str, *, proved: bool) -> KeysError:
    """Say whose rows have one key: those of the source, or those that the table had before."""
    key = detail.partition("=")[2].rpartition(")")[0]
    stand_ins = step.stand_ins if isinstance(step, AddPrimaryKey) else ()
    what = f"two rows of the source have the same key: {detail}; {mended(step.columns, key, stand_ins)}"
    if proved and isinstance(step, AddUniqueIndex) and step.versions:
        same = " AND ".join(f'old."{name}" = new."{name}"' for name in step.columns)
        what = (
            f"table {step.table} has several versions of a member, from when it had a history: {detail}; "
            f"keep the last ones, by DELETE FROM {step.table} AS old USING {step.table} AS new WHERE {same} "
            f"AND old.{VALID_FROM} < new.{VALID_FROM}; and run with --full-refresh, "
            "so that facts refer to them"
        )
    elif proved:
        what = (
            f"table {step.table} has two rows of one key already: {detail}; "
            "delete one of them, or let the mapping name a key that tells them apart"
        )
    return KeysError(f"{step.entry}: {what}", step)


def mended(names: Sequence[str], key: str, stand_ins: Sequence[StandIn]) -> str:
    """Say what helps where rows have one key, as a database shows it: "(1, a)" or "(1,a)"."""
    values = next(csv.reader([key.strip("()")], skipinitialspace=True), [])
    found = dict(zip(names, values, strict=False)) if len(names) == len(values) else {}
    whys = [
        f"{each.column} = {each.key} is {each.why}"
        for each in stand_ins
        if found.get(each.column) == str(each.key)
    ]
    return "; ".join(whys) or MEND


def in_source(
    error: StepFailedError, star: Star, document: Document, warehouse: Connection
) -> StepFailedError:
    """Return the error of a query that a source refused with its place in the mapping, any other as it is."""
    where = where_of(error.__cause__) if error.__cause__ else ""
    entry = next((entry for entry in star.entries if entry.name == error.step.entry), None)
    if (
        where in ("", warehouse.engine.get_execution_options()["where"])
        or entry is None
        or entry.source is None
    ):
        return error
    place = document.place(document.text_path(entry.source.path, "query"))
    what = str(error).removeprefix(f"{error.step.entry}: ")
    found = StepFailedError(f"{place}: {what} (in {where})", error.step)
    found.__cause__ = error.__cause__
    return found


def placed(error: KeysError, star: Star, document: Document) -> CheckFailedError:
    """Return the error with its place in the mapping."""
    entry = next(entry for entry in star.entries if entry.name == error.step.entry)
    within = error.within or ("natural_key" if isinstance(entry, Dimension) else "grain")
    place = document.place(f"{entry.path}.{within}")
    return CheckFailedError(f"{place.file}:{place.line}:{place.column}: {error}")
