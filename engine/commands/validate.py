"""engine validate: every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.errors import MappingError, Problem
from engine.mapping.load import Loaded, load

if TYPE_CHECKING:
    from engine.mapping.model import Star
    from engine.plan.steps import Notice


def validate(
    paths: tuple[Path, ...], overrides: Mapping[str, str], *, connect: bool, folder: Path | None
) -> None:
    """Check mappings, with `connect` against the databases too; MappingError carries every problem of all."""
    problems: list[Problem] = []
    for path in paths:
        try:
            loaded = load(path, overrides)
            drift = _ask(loaded, folder) if connect else ()
        except MappingError as error:
            problems += error.problems
        else:
            click.echo(f"{path}: ok ({_content(loaded.star)})")
            for notice in drift:
                click.echo(f"  note: {notice.entry}: {notice.text}")
    if problems:
        click.echo(f"{_count(len(problems), 'problem')} found", err=True)
        raise MappingError(problems)


def _ask(loaded: Loaded, folder: Path | None) -> tuple[Notice, ...]:
    """Ask the databases all that a run asks; return where the tables are not what the mapping says."""
    from engine.commands.wire import connected, log_to_stderr
    from engine.run import plan

    log_to_stderr()
    with connected(loaded.star, folder) as settings:
        return plan(loaded, settings)[0].drift


def _content(star: Star) -> str:
    counts = [_count(len(star.dimensions), "dimension"), _count(len(star.facts), "fact")]
    if star.aggregates:
        counts.append(_count(len(star.aggregates), "aggregate"))
    return ", ".join(counts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
