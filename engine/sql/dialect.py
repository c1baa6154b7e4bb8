"""Which databases SQL can be said for: each is a folder of templates over the common ones."""

from __future__ import annotations

from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """A way to say the steps; `folders` are searched in order for the template of a step."""

    name: str
    folders: tuple[str, ...]


POSTGRES = Dialect("postgres", ("postgres", "common"))

DIALECTS = {dialect.name: dialect for dialect in (POSTGRES,)}
