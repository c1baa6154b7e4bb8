"""Arguments and options of commands, as decorators: those that several take, and those that are many."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from engine.commands.choice import Choice
from engine.errors import ArgumentError
from engine.plan.span import span_from

MAPPING = Path("mappings/star.yml")
FOLDER = Path(".demo")
METRICS_PORT = 9464  # what Prometheus exporters of applications have by custom

Function = Callable[..., None]


class MappingFile(click.Path):
    """The path of a mapping; empty text, as of a variable that is not set, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; a problem when it is empty, which would be the folder."""
        if value == "":
            self.fail(f"the path is empty (leave it out for {MAPPING})", param, ctx)
        return super().convert(value, param, ctx)


def _named(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Say that a mapping that is not there is the default, as nobody has named it."""
    given = context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
    if not (given and value) and not MAPPING.exists():
        how = " by --mapping" if isinstance(parameter, click.Option) else ""
        raise ArgumentError(
            f"no mapping is named, and there is no {MAPPING}, the default: name one{how}, "
            "or change to the folder that has it"
        )
    return value


mapping_argument = click.argument(
    "mapping",
    type=MappingFile(path_type=Path),
    default=MAPPING,
    metavar="[MAPPING]",
    callback=_named,
)
mapping_option = click.option(
    "--mapping",
    type=MappingFile(path_type=Path),
    default=MAPPING,
    show_default=True,
    callback=_named,
    help="The file of the mapping.",
)
# Of the demo, which says itself where it belongs, and whose --stop needs no mapping.
demo_mapping_argument = click.argument(
    "mapping", type=MappingFile(path_type=Path), default=MAPPING, metavar="[MAPPING]"
)
mappings_argument = click.argument(
    "mappings",
    type=MappingFile(path_type=Path),
    nargs=-1,
    metavar="[MAPPING]...",
    callback=_named,
)
logging_options = click.make_pass_decorator(dict)
report_option = click.option(
    "--report",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of what is printed on stdout.",
)


def folder_option(more: str = "") -> Callable[[Function], Function]:
    """Return --folder, whose help has `more` to say where the command can do without."""
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        help=f"Where the databases of `engine demo` live [default: {FOLDER}]{more}.",
    )


TIMETABLE = (
    click.option(
        "--cron",
        required=True,
        envvar="SCHEDULE_CRON",
        help="When runs are due: minute, hour, day, month, weekday; six fields begin with seconds.  "
        "[SCHEDULE_CRON]",
    ),
    click.option(
        "--timezone",
        "zone",
        default="UTC",
        show_default=True,
        envvar="SCHEDULE_TIMEZONE",
        help="The time zone of --cron, such as Europe/Amsterdam.  [SCHEDULE_TIMEZONE]",
    ),
    click.option(
        "--grace",
        type=click.FloatRange(0, 86_400),
        default=25,
        show_default=True,
        help="Seconds that a run in flight has to end after SIGTERM, before it is rolled back.",
    ),
    click.option(
        "--tolerance",
        type=click.FloatRange(0, 31_536_000),
        help="Seconds after which a run that has not ended is overdue.  "
        "[default: until the next one is due, 300 at least]",
    ),
    click.option("--metrics-address", default="127.0.0.1", show_default=True, metavar="ADDRESS"),
    click.option(
        "--metrics-port",
        type=click.IntRange(0, 65_535),
        default=METRICS_PORT,
        show_default=True,
        help="Where /metrics and /healthz answer; 0 lets the system choose.",
    ),
)


def databases(function: Function) -> Function:
    """Give a command --embedded and --folder, as one argument: a folder, or None for the environment."""

    @folder_option("; implies --embedded")
    @click.option(
        "--embedded",
        is_flag=True,
        help="Use the databases of `engine demo` in place of the environment's.",
    )
    @functools.wraps(function)
    def wrapped(*args: object, embedded: bool, folder: Path | None, **options: object) -> None:
        function(*args, folder=folder or (FOLDER if embedded else None), **options)

    return wrapped


def variables(function: Function) -> Function:
    """Give a command --var, as one argument: a map from name to value."""

    @click.option(
        "--var", "words", multiple=True, metavar="NAME=VALUE", help="Override a var of the mapping."
    )
    @functools.wraps(function)
    def wrapped(*args: object, words: tuple[str, ...], **options: object) -> None:
        function(*args, overrides=overrides(words), **options)

    return wrapped


def choice(function: Function) -> Function:
    """Give a command --select, --full-refresh and --allow-deletes, as one argument: which, and how."""

    @click.option(
        "--select",
        multiple=True,
        metavar="NAME",
        help="Take this dimension, or this fact with its dimensions; may be repeated, * stands for anything.",
    )
    @click.option(
        "--full-refresh",
        is_flag=True,
        help="Read everything, not only what is new; keys and history stay.",
    )
    @click.option(
        "--allow-deletes",
        is_flag=True,
        help="However many rows are gone from the source, that is right: deletes.max is not asked.",
    )
    @functools.wraps(function)
    def wrapped(
        *args: object,
        select: tuple[str, ...],
        full_refresh: bool,
        allow_deletes: bool,
        **options: object,
    ) -> None:
        function(*args, choice=Choice(select, full_refresh, allow_deletes=allow_deletes), **options)

    return wrapped


def days(function: Function) -> Function:
    """Give a command that has a choice --from and --to, which go into it."""

    @click.option(
        "--from", "low", metavar="DAY", help="Bring the facts in line from this day on, and"
    )
    @click.option(
        "--to", "high", metavar="DAY", help="before this one: a backfill; dimensions as ever."
    )
    @functools.wraps(function)
    def wrapped(
        *args: object, choice: Choice, low: str | None, high: str | None, **options: object
    ) -> None:
        found = span_from(low, high, full_refresh=choice.full_refresh)
        function(*args, choice=replace(choice, span=found), **options)

    return wrapped


def timetable(function: Function) -> Function:
    """Give a command when runs are due, how long they may take, and where it tells how it is."""
    for option in reversed(TIMETABLE):
        function = option(function)
    return function


def overrides(words: tuple[str, ...]) -> dict[str, str]:
    """Turn NAME=VALUE words into a map; ArgumentError for anything else."""
    for word in words:
        if not word.partition("=")[0] or "=" not in word:
            raise ArgumentError(f"--var takes NAME=VALUE, not '{word}'")
    return dict(word.split("=", 1) for word in words)
