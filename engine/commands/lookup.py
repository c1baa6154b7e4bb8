"""engine lookup: one member of a dimension, through the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from engine.cache import Member, Members
from engine.commands.wire import environment, log_to_stderr
from engine.errors import ArgumentError, RunError
from engine.mapping.load import load


def lookup(
    dimension: str,
    words: tuple[str, ...],
    path: Path,
    overrides: Mapping[str, str],
    *,
    as_json: bool,
    folder: Path | None,
) -> None:
    """Print a member; who answered is said on stderr."""
    if Path(dimension).suffix in (".yml", ".yaml"):
        raise ArgumentError(f"here a mapping is named by an option: --mapping {dimension}")
    key = key_of(words)
    loaded = load(path, overrides)
    log_to_stderr()
    with environment(folder) as environ, Members(loaded, environ) as members:
        found = members.find(dimension, **key)
    if found is None:
        said = ", ".join(f"{name} = {value}" for name, value in key.items())
        raise RunError(f"{dimension}: no member with {said}")
    click.echo(f"answered by the {found.by}", err=True)
    click.echo(found.text if as_json else "\n".join(lines(found)))


def key_of(words: tuple[str, ...]) -> dict[str, str]:
    """Turn COLUMN=VALUE words into a map; ArgumentError for anything else."""
    key: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise ArgumentError(f"a key is COLUMN=VALUE, such as user_id=42, not '{word}'")
        if name in key:
            raise ArgumentError(f"the key has {name} twice")
        key[name] = value
    return key


def lines(member: Member) -> list[str]:
    """Return a line for each column, numbers as the warehouse wrote them; NULL is empty."""
    values = json.loads(member.text, parse_float=str, parse_int=str)
    width = max(map(len, values))
    return [f"{name.ljust(width)}  {_shown(value)}".rstrip() for name, value in values.items()]


def _shown(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
