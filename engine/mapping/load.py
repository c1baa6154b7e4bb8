"""The door to a mapping: from the path of a file to a star, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import Place, Problem, did_you_mean, refuse
from engine.mapping.check import RULES
from engine.mapping.document import Deviation, Document
from engine.mapping.include import read_all
from engine.mapping.model import Scalar, Star
from engine.mapping.read import read_scalar
from engine.mapping.star_from import star_from
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Loaded:
    """A star that follows all rules, and the document that knows where each entry stands."""

    star: Star
    document: Document


def load(path: Path, overrides: Mapping[str, str] | None = None) -> Loaded:
    """Return the star of a mapping file; raise MappingError with all its problems.

    `overrides` are vars as given on a command line; each is read as YAML would read it.
    """
    whole = read_all(path)
    document = whole.document
    data = _sound(document.data, whole.deviations)
    values, unknown = _values(data, overrides or {})
    star, faults = star_from(document, data, values)
    refuse(
        [
            *whole.problems,
            *(deviation.problem for deviation in whole.deviations),
            *unknown,
            *faults,
            *(problem for rule in RULES for problem in rule(star, document)),
        ]
    )
    return Loaded(star, document)


def _sound(data: Mapping[str, Any], deviations: Iterable[Deviation]) -> dict[str, Any]:
    """Return the data less what deviates: whole dimensions and facts, or whole keys of the top."""
    broken = {deviation.keys[:2] for deviation in deviations}
    sound = {}
    for key, value in data.items():
        if (key,) in broken:
            continue
        if key in ("dimensions", "facts", "aggregates"):
            sound[key] = {name: entry for name, entry in value.items() if (key, name) not in broken}
        elif not any(keys[:1] == (key,) for keys in broken):
            sound[key] = value
    return sound


def _values(
    data: Mapping[str, Any], overrides: Mapping[str, str]
) -> tuple[dict[str, Scalar], list[Problem]]:
    given = data.get("vars") or {}
    problems = [
        Problem(Place(), f"--var {name}: no var named '{name}'", _known(name, given))
        for name in overrides
        if name not in given
    ]
    return {**given, **{name: read_scalar(text) for name, text in overrides.items()}}, problems


def _known(name: str, given: Mapping[str, Any]) -> str:
    return did_you_mean(name, given) or "define it under vars: first"
