"""The parts that several commands need, put together: the mapping, its settings, the embedded servers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import click

from engine.cache.settings import CacheSettings, cache_settings
from engine.commands.choice import Choice
from engine.errors import ArgumentError, SettingsError, did_you_mean
from engine.logs import configure
from engine.mapping.model import Connection, Fact, Star
from engine.plan.select import chosen, sources_of
from engine.settings import EMBEDDED, PLACE, TLS, ConnectionSettings, log_settings, settings_for

PARTS = ("URL", *PLACE, "PASSWORD", "PASSWORD_FILE", *TLS)
WAREHOUSE = (Connection("warehouse", "WAREHOUSE"),)


def configured(
    options: Mapping[str, str | None], *, terminal: bool, to_file: bool = True
) -> tuple[str, Path | None]:
    """Set up the logs by the options and the environment; return their form and LOG_FILE.

    Without `to_file` nothing is written there.
    """
    wanted = log_settings(os.environ, terminal=terminal)
    form = options.get("log_format") or wanted.form
    level = (options.get("log_level") or wanted.level).upper()
    try:
        configure(form, level, file=wanted.file if to_file else None)  # type: ignore[arg-type]
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise SettingsError(f"LOG_FILE: cannot write {wanted.file}: {reason}") from error
    return form, wanted.file


def log_to_stderr() -> None:
    """Let a command that writes nothing log its attempts to connect, in the form that was asked for."""
    context = click.get_current_context(silent=True)
    given = (context.obj if context else None) or {}
    configured(given, terminal=sys.stderr.isatty(), to_file=False)


@contextmanager
def environment(folder: Path | None) -> Iterator[Mapping[str, str]]:
    """Give the environment's settings, or those of the embedded servers in `folder` while they run."""
    if folder is None:
        yield os.environ
        return
    from engine.database.embedded import Embedded

    if not all((folder / name / "data").is_dir() for name in ("source", "warehouse")):
        raise ArgumentError(f"there are no databases in {folder} yet: run `engine demo` first")
    with Embedded(folder) as servers:
        urls = dict(zip(EMBEDDED, (servers.source.url(), servers.warehouse.url()), strict=True))
        # Settings of one's own databases would contradict these, so they are not looked at.
        hidden = {f"{prefix}_{part}" for prefix in urls for part in PARTS}
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        yield kept | {f"{prefix}_URL": url for prefix, url in urls.items()}


@contextmanager
def connected(
    star: Star, folder: Path | None, select: tuple[str, ...] = ()
) -> Iterator[dict[str, ConnectionSettings]]:
    """Give the settings of the connections that the selected entries of a mapping need, all when none is.

    SettingsError names all that are missing.
    """
    with environment(folder) as environ:
        yield settings_for(needed(star, select), environ)


def needed(star: Star, select: tuple[str, ...] = ()) -> tuple[Connection, ...]:
    """Return the connections that the selected entries of a mapping need."""
    names = {"warehouse", *sources_of(chosen(star, select))}
    return tuple(connection for connection in star.connections if connection.name in names)


def cache_of(star: Star) -> CacheSettings | None:
    """Return the settings of the cache; None without any, or when no dimension of the mapping has one."""
    cached = any(dimension.cache for dimension in star.dimensions)
    return cache_settings(os.environ) if cached else None


def selected(star: Star, choice: Choice) -> tuple[str, ...]:
    """Return the entries that the patterns of --select name.

    ArgumentError for a pattern that names none, and where there is no fact for a range of days.
    """
    names = [entry.name for entry in star.entries]
    for pattern in choice.select:
        if not any(fnmatchcase(name, pattern) for name in names):
            hint = did_you_mean(pattern, names)
            what = f"--select: no dimension or fact named '{pattern}'"
            raise ArgumentError(f"{what} ({hint})" if hint else what)
    found = tuple(n for n in names if any(fnmatchcase(n, pattern) for pattern in choice.select))
    if choice.span and not any(isinstance(entry, Fact) for entry in chosen(star, found)):
        why = f"--select {', '.join(choice.select)} names none" if found else "the mapping has none"
        raise ArgumentError(f"--from and --to are for facts, and {why}")
    return found
