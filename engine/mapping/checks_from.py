"""The checks of one entry; a check with limits for several columns becomes several checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.mapping.model import Check, CheckKind
from engine.mapping.scalars import Plain
from engine.mapping.texts import Texts
from engine.mapping.values import listed, parse_duration, parse_tolerance

KINDS: tuple[CheckKind, ...] = (
    "not_null", "unique", "accepted", "range", "references", "row_count", "freshness", "sql",
)  # fmt: skip


def checks_from(data: Plain, path: str, texts: Texts) -> tuple[Check, ...]:
    """Return the checks at `path`, whose data is one check, a list of them, or None."""
    if data is None:
        return ()
    if isinstance(data, dict):
        return tuple(_checks(data, path, texts))
    return tuple(
        check for at, one in enumerate(data) for check in _checks(one, f"{path}.{at}", texts)
    )


def _checks(data: dict[str, Plain], path: str, texts: Texts) -> Iterator[Check]:
    kind = next(kind for kind in KINDS if kind in data)
    common = {
        "kind": kind,
        "severity": data.get("severity", "error"),
        "reject": data.get("on_failure") == "reject",
        "tolerance": parse_tolerance(data.get("max", 0)),
        "name": data.get("name", ""),
        "path": path,
    }
    for fields in _fields(kind, data[kind], path, texts):
        yield Check(**common, **fields)


def _fields(kind: CheckKind, value: Plain, path: str, texts: Texts) -> Iterator[dict[str, Plain]]:
    """Yield the fields of a check of its own kind, once for each column that has its own."""
    match kind:
        case "not_null" | "unique":
            yield {"columns": tuple(listed(value))}
        case "row_count":
            yield {} if value == "source" else _limits(value)
        case "sql":
            yield {"sql": texts.check(f"{path}.sql", value)}
        case _:
            for column, wanted in value.items():
                yield {"columns": (column,), **_OF_COLUMN[kind](wanted)}


def _limits(wanted: Plain) -> dict[str, Plain]:
    return {"low": wanted.get("min"), "high": wanted.get("max")}


_OF_COLUMN: dict[str, Callable[[Plain], dict[str, Plain]]] = {
    "accepted": lambda wanted: {"values": tuple(listed(wanted))},
    "range": _limits,
    "references": lambda wanted: {"dimension": wanted},
    "freshness": lambda wanted: {"max_age": parse_duration(wanted)},
}
