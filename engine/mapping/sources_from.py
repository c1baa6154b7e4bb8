"""The source of an entry: its query, its cursors, its deletes, its streams."""

from __future__ import annotations

from engine.mapping.model import Cursor, Deletes, Parallel, Source
from engine.mapping.scalars import Plain
from engine.mapping.texts import Texts
from engine.mapping.values import parse_duration, parse_tolerance

# Of a table, in one run: more looks like a source that is not all there (TRAPS 9).
MOST_GONE = "10%"


def source_from(data: Plain, path: str, texts: Texts) -> Source:
    """Return the source at `path`; a text alone is its query."""
    entry = data if isinstance(data, dict) else {"query": data}
    dedupe = entry.get("dedupe")
    cursors = _cursors(entry.get("cursor"), f"{path}.cursor")
    return Source(
        query=texts.query(texts.document.text_path(path, "query"), entry["query"]),
        connection=entry.get("connection", "source"),
        cursor=cursors[0] if cursors else None,
        more_cursors=cursors[1:],
        dedupe=None if dedupe is None else texts.order(f"{path}.dedupe", dedupe),
        allow_empty=entry.get("allow_empty", False),
        range=entry.get("range", ""),
        deletes=_deletes(entry.get("deletes"), f"{path}.deletes"),
        parallel=_parallel(entry.get("parallel"), f"{path}.parallel"),
        path=path,
    )


def _cursors(data: Plain, path: str) -> tuple[Cursor, ...]:
    if isinstance(data, list):
        return tuple(_cursor(each, f"{path}.{n}") for n, each in enumerate(data))
    return () if data is None else (_cursor(data, path),)


def _cursor(data: Plain, path: str) -> Cursor:
    entry = data if isinstance(data, dict) else {"column": data}
    lag = entry.get("lag")
    return Cursor(
        column=entry["column"],
        null=entry.get("null", "always"),
        lag=None if lag is None else parse_duration(lag),
        path=path,
    )


def _parallel(data: Plain, path: str) -> Parallel | None:
    if data is None:
        return None
    entry = data if isinstance(data, dict) else {"streams": data}
    return Parallel(entry["streams"], entry.get("by", ""), path)


def _deletes(data: Plain, path: str) -> Deletes | None:
    if data is None:
        return None
    entry = data if isinstance(data, dict) else {"policy": data}
    return Deletes(entry.get("policy", ""), parse_tolerance(entry.get("max", MOST_GONE)), path)
