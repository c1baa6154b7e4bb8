"""The checks of one dimension or fact, from the document; one entry over several columns is several checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.mapping.model import Check, CheckKind
from engine.mapping.texts import Texts
from engine.mapping.values import parse_duration, parse_tolerance

KINDS: tuple[CheckKind, ...] = (
    "not_null", "unique", "accepted", "range", "references", "row_count", "freshness", "sql",
)  # fmt: skip


def checks_from(data: Any, path: str, texts: Texts) -> tuple[Check, ...]:
    """Return the checks at `path`, whose data is one check, a list of them, or None."""
    if data is None:
        return ()
    if isinstance(data, dict):
        return tuple(_checks(data, path, texts))
    return tuple(
        check for at, one in enumerate(data) for check in _checks(one, f"{path}.{at}", texts)
    )


def listed(value: Any) -> list[Any]:
    """Return a list, of the one value when it is none."""
    return value if isinstance(value, list) else [value]


def _checks(data: dict[str, Any], path: str, texts: Texts) -> Iterator[Check]:
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


def _fields(kind: CheckKind, value: Any, path: str, texts: Texts) -> Iterator[dict[str, Any]]:
    """Yield the fields of a check that depend on its kind, once for each column that has its own."""
    match kind:
        case "not_null" | "unique":
            yield {"columns": tuple(listed(value))}
        case "accepted":
            for column, values in value.items():
                yield {"columns": (column,), "values": tuple(values)}
        case "range":
            for column, limits in value.items():
                yield {"columns": (column,), "low": limits.get("min"), "high": limits.get("max")}
        case "references":
            for column, dimension in value.items():
                yield {"columns": (column,), "dimension": dimension}
        case "row_count":
            limits = {} if value == "source" else value
            yield {"low": limits.get("min"), "high": limits.get("max")}
        case "freshness":
            for column, age in value.items():
                yield {"columns": (column,), "max_age": parse_duration(age)}
        case "sql":
            yield {"sql": texts.check(f"{path}.sql", value)}
