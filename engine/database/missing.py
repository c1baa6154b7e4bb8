"""Name a row for which a lookup finds no member; asked only once a run has failed for it."""

from __future__ import annotations

from sqlalchemy import Connection

from engine.database.connect import execute
from engine.plan.steps import FindMissing, ProveFound
from engine.sql.render import render

SHOWN = 100  # characters of a key


def missing_one(connection: Connection, step: ProveFound) -> str:
    """Return one natural key that was not found: ", such as depot_id = 9"."""
    find = FindMissing(entry=step.entry, stage=step.stage, join=step.join)
    row = execute(connection, render(find)).first()
    if row is None:  # what is looked up by changes from one question to the next
        return ""
    names = (value.name for value in step.join.on)
    key = ", ".join(_said(name, text) for name, text in zip(names, row.key, strict=True))
    time = f", of which there is no version at {row.time or 'NULL'}" if row.known else ""
    return f", such as {key}{time}"


def _said(name: str, text: str | None) -> str:
    """Say a column of a key and its value."""
    return f"{name} is NULL" if text is None else f"{name} = {text[:SHOWN]}"
