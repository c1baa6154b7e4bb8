"""The command line: parse, wire the parts, choose the exit code. One place catches errors."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from engine import __version__
from engine.commands import output
from engine.commands.choice import Choice
from engine.errors import EngineError, OutputError, SettingsError
from engine.plan.span import span_from

# What a command needs beyond parsing is imported inside it: --help and validate must start quickly.

BUG = 70
INTERRUPTED = 130
MAPPING = Path("mappings/star.yml")
FOLDER = Path(".demo")
EXAMPLES = """\b
Examples:
  engine demo
  engine validate mappings/star.yml
  engine run mappings/star.yml
"""
METRICS_PORT = 9464  # what Prometheus exporters of applications have by custom

Function = Callable[..., None]


mapping_argument = click.argument(
    "mapping", type=click.Path(path_type=Path), default=MAPPING, metavar="[MAPPING]"
)
logging_options = click.make_pass_decorator(dict)
report_option = click.option(
    "--report",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of what is printed on stdout.",
)
folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Where the databases of `engine demo` live [default: {FOLDER}]; implies --embedded.",
)


def databases(function: Function) -> Function:
    """Give a command --embedded and --folder, as one argument: a folder, or None for the environment."""

    @folder_option
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


def overrides(words: tuple[str, ...]) -> dict[str, str]:
    """Turn NAME=VALUE words into a map; SettingsError for anything else."""
    for word in words:
        if not word.partition("=")[0] or "=" not in word:
            raise SettingsError(f"--var takes NAME=VALUE, not '{word}'")
    return dict(word.split("=", 1) for word in words)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXAMPLES,
)
@click.version_option(__version__, prog_name="engine")
@click.option(
    "--log-format",
    type=click.Choice(["json", "text"]),
    help="Form of the log on stderr.  [LOG_FORMAT; default: text on a terminal, else json]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error", "critical"], case_sensitive=False),
    help="What is logged.  [LOG_LEVEL; default: info]",
)
@click.pass_context
def engine(context: click.Context, log_format: str | None, log_level: str | None) -> None:
    """Load a star schema that is described in YAML, from PostgreSQL into PostgreSQL."""
    if os.environ.get("LOG_LEVEL") or os.environ.get("LOG_FORMAT"):
        from engine.settings import log_settings

        log_settings(
            os.environ, terminal=sys.stderr.isatty()
        )  # a wrong one is told by every command
    context.obj = {"log_format": log_format, "log_level": log_level}


@engine.command(epilog="Example:  engine validate mappings/star.yml mappings/other.yml --connect")
@click.argument("mappings", type=click.Path(path_type=Path), nargs=-1, metavar="[MAPPING]...")
@click.option("--connect", is_flag=True, help="Ask the databases too: queries, types, permissions.")
@variables
@databases
def validate(
    mappings: tuple[Path, ...], connect: bool, overrides: dict[str, str], folder: Path | None
) -> None:
    """Say everything that is wrong with a mapping, as file:line:column: message."""
    from engine.commands.validate import validate as work

    work(mappings or (MAPPING,), overrides, connect=connect or folder is not None, folder=folder)


@engine.command(epilog="Example:  engine plan mappings/star.yml --sql")
@mapping_argument
@click.option("--sql", is_flag=True, help="Show the exact SQL of every step.")
@choice
@days
@variables
@databases
def plan(
    mapping: Path, sql: bool, choice: Choice, overrides: dict[str, str], folder: Path | None
) -> None:
    """Show what a run would do, and do nothing: schema changes, steps, SQL."""
    from engine.commands.plan import plan as work

    work(mapping, overrides, choice, sql=sql, folder=folder)


@engine.command(epilog="Example:  engine run mappings/star.yml --select 'dim_*' --var vat=0.19")
@mapping_argument
@choice
@days
@variables
@report_option
@databases
@logging_options
def run(
    log: dict[str, str | None],
    mapping: Path,
    choice: Choice,
    overrides: dict[str, str],
    report: str,
    folder: Path | None,
) -> None:
    """Load the star: extract, transform, check, publish in one transaction."""
    from engine.commands.run import run as work

    work(mapping, overrides, choice, log, report=report, folder=folder)


@engine.command(epilog='Example:  engine schedule mappings/star.yml --cron "0 * * * *"')
@mapping_argument
@click.option(
    "--cron",
    required=True,
    envvar="SCHEDULE_CRON",
    help="When runs are due: minute, hour, day, month, weekday; six fields begin with seconds.  "
    "[SCHEDULE_CRON]",
)
@click.option(
    "--timezone",
    "zone",
    default="UTC",
    show_default=True,
    envvar="SCHEDULE_TIMEZONE",
    help="The time zone of --cron, such as Europe/Amsterdam.  [SCHEDULE_TIMEZONE]",
)
@click.option(
    "--grace",
    type=click.FloatRange(0, 86_400),
    default=25,
    show_default=True,
    help="Seconds that a run in flight has to end after SIGTERM, before it is rolled back.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 31_536_000),
    help="Seconds after which a run that has not ended is overdue.  "
    "[default: until the next one is due, 300 at least]",
)
@click.option("--metrics-address", default="127.0.0.1", show_default=True, metavar="ADDRESS")
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65_535),
    default=METRICS_PORT,
    show_default=True,
    help="Where /metrics and /healthz answer; 0 lets the system choose.",
)
@choice
@variables
@databases
@logging_options
def schedule(
    log: dict[str, str | None],
    /,
    mapping: Path,
    choice: Choice,
    overrides: dict[str, str],
    folder: Path | None,
    **how: Any,
) -> None:
    """Run the mapping whenever it is due, one run at a time, until a signal ends it."""
    from engine.commands.schedule import How
    from engine.commands.schedule import schedule as work

    work(mapping, overrides, choice, log, How(**how, folder=folder))


@engine.command(epilog="Example:  engine health")
@click.option("--metrics-address", "address", default="127.0.0.1", show_default=True)
@click.option(
    "--metrics-port",
    "port",
    type=click.IntRange(1, 65_535),
    default=METRICS_PORT,
    show_default=True,
)
def health(address: str, port: int) -> None:
    """Ask `engine schedule` whether all is well; fails when the last run failed or one is overdue."""
    from engine.commands.schedule import health as work

    work(address, port)


@engine.command(epilog="Example:  engine ddl mappings/star.yml > init/warehouse/01-schema.sql")
@mapping_argument
@variables
@databases
def ddl(mapping: Path, overrides: dict[str, str], folder: Path | None) -> None:
    """Print the CREATE statements of the star."""
    from engine.commands.plan import ddl as work

    work(mapping, overrides, folder=folder)


@engine.command(epilog="Example:  engine history --mapping star --limit 5")
@click.option("--mapping", metavar="NAME", help="Only runs of the mapping of this name.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@report_option
@databases
def history(mapping: str | None, limit: int, report: str, folder: Path | None) -> None:
    """List past runs, newest first, from the warehouse."""
    from engine.commands.history import history as work

    work(mapping, limit, report, folder=folder)


@engine.command(epilog="Example:  engine test mappings/star.yml -k 'late orders' --junit tests.xml")
@click.argument("mappings", type=click.Path(path_type=Path), nargs=-1, metavar="[MAPPING]...")
@click.option(
    "--tests",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Cases of the mapping, in place of those beside it (star.tests.yml); may be repeated.",
)
@click.option(
    "-k",
    "pattern",
    metavar="TEXT",
    help="Only cases with this in their name, or a pattern with *.",
)
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the results as JUnit has them, too.",
)
@report_option
@logging_options
def test(
    log: dict[str, str | None],
    mappings: tuple[Path, ...],
    files: tuple[Path, ...],
    pattern: str | None,
    junit: Path | None,
    report: str,
) -> None:
    """Carry out the tests of a mapping, on embedded databases; exits with 1 when a case fails."""
    from engine.commands.test import test as work

    work(mappings or (MAPPING,), files, pattern, report, junit, log)


@engine.command(epilog="Example:  engine lookup dim_users user_id=42 --json")
@click.argument("dimension")
@click.argument("key", nargs=-1, required=True, metavar="COLUMN=VALUE...")
@click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    default=MAPPING,
    show_default=True,
    help="The file of the mapping.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@variables
@databases
def lookup(
    dimension: str,
    key: tuple[str, ...],
    mapping: Path,
    overrides: dict[str, str],
    as_json: bool,
    folder: Path | None,
) -> None:
    """Show a member of a dimension: from Redis if it is up to date, else from the warehouse."""
    from engine.commands.lookup import lookup as work

    work(dimension, key, mapping, overrides, as_json=as_json, folder=folder)


@engine.command(epilog="Example:  engine demo, and later: engine demo --stop")
@mapping_argument
@folder_option
@click.option(
    "--seed",
    type=click.Path(path_type=Path, file_okay=False),
    help="Fill the source from the *.sql of this folder  [default: init/source, and the warehouse "
    "from init/warehouse]; give it a --folder of its own.",
)
@click.option("--stop", is_flag=True, help="Stop the two servers; the data stays.")
@logging_options
def demo(
    log: dict[str, str | None], mapping: Path, folder: Path | None, seed: Path | None, stop: bool
) -> None:
    """Start two PostgreSQL servers of its own, seed the source from init/, and run the mapping."""
    from engine.commands import demo as commands

    if stop:
        commands.stop(folder or FOLDER)
    else:
        commands.demo(mapping, folder or FOLDER, log, seed)


@engine.command(epilog='Example:  eval "$(engine completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(engine, {}, "engine", "_ENGINE_COMPLETE").source())


def _end(_signal: int, _frame: object) -> None:
    """Take SIGTERM for Ctrl-C: stop the servers' work, publish nothing."""
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> int:
    from engine.logs import redact

    with contextlib.suppress(OSError):  # where nobody can hear it, the exit code tells
        click.echo(redact(message), err=True)
    return code


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; never a traceback, but for a bug of the engine."""
    signal.signal(signal.SIGTERM, _end)
    output.open_what_is_closed()
    gc.set_threshold(
        100_000, 50, 50
    )  # imports make much and drop little: 0.05 s less of collecting
    try:
        code = engine.main(arguments, prog_name="engine", standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001  (the one place that catches errors)
        return _exit_code(error)
    except KeyboardInterrupt:
        return _fail("interrupted: nothing was published", INTERRUPTED)
    finally:
        gc.freeze()  # the end of the process needs no last collection: 0.1 s less
    return code if isinstance(code, int) else 0  # a command that ended by click's Exit


def _exit_code(error: Exception) -> int:
    """Say what went wrong on stderr, and return the exit code that tells it apart."""
    if isinstance(error, click.exceptions.Exit):
        return int(error.exit_code)
    if isinstance(error, click.ClickException):
        error.show()
        return 2
    if isinstance(error, EngineError):
        output.drop_what_fails()
        text = str(error)
        return _fail(text if "\n" in text or ":" in text else f"error: {text}", error.exit_code)
    if isinstance(error, click.Abort):
        return _fail("interrupted: nothing was published", INTERRUPTED)
    if isinstance(error, BrokenPipeError):  # whoever read stdout has seen enough
        output.drop()
        return 0
    if isinstance(error, OSError) and output.is_full(error):
        output.drop()
        return _fail(
            f"the output could not be written: {str(error.strerror).lower()}", OutputError.exit_code
        )
    trace = "".join(traceback.format_exception(error))
    return _fail(f"{trace}\nthis is a bug of the engine: please report it", BUG)
