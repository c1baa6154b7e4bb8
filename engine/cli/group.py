"""The commands: what each is called, what it takes, and what its help says."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from engine import __version__
from engine.cli.options import (
    FOLDER,
    MAPPING,
    METRICS_PORT,
    choice,
    databases,
    days,
    demo_mapping_argument,
    folder_option,
    logging_options,
    mapping_argument,
    mapping_option,
    mappings_argument,
    report_option,
    timetable,
    variables,
)
from engine.commands.choice import Choice

# What a command needs beyond parsing is imported inside it: --help and validate must start quickly.

EXAMPLES = """\b
Examples:
  engine demo
  engine validate mappings/star.yml
  engine run mappings/star.yml
"""


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
@mappings_argument
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
@timetable
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
@mappings_argument
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
@mapping_option
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
@demo_mapping_argument
@folder_option()
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
