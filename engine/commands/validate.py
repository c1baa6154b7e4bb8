"""engine validate: every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from engine.errors import MappingError, Problem
from engine.mapping.load import Loaded, load


def validate(
    paths: tuple[Path, ...], overrides: Mapping[str, str], *, connect: bool, folder: Path | None
) -> None:
    """Check mappings, with `connect` against the databases too; MappingError carries every problem of all."""
    problems: list[Problem] = []
    for path in paths:
        try:
            loaded = load(path, overrides)
            if connect:
                _ask(loaded, folder)
        except MappingError as error:
            problems += error.problems
        else:
            star = loaded.star
            click.echo(
                f"{path}: ok ({_count(len(star.dimensions), 'dimension')}, {_count(len(star.facts), 'fact')})"
            )
    if problems:
        click.echo(f"{_count(len(problems), 'problem')} found", err=True)
        raise MappingError(problems)


def _ask(loaded: Loaded, folder: Path | None) -> None:
    from engine.commands.wire import connected
    from engine.run import plan

    with connected(loaded.star, folder) as settings:
        plan(loaded, settings)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
