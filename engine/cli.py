"""The command line: parse, wire the parts, choose the exit code. One place catches errors."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

import click

from engine import __version__
from engine.errors import EngineError, SettingsError

# What a command needs beyond parsing is imported inside it, so that --help and validate start quickly.

BUG = 70
INTERRUPTED = 130
MAPPING = Path("mappings/star.yml")

mapping_argument = click.argument(
    "mapping", type=click.Path(path_type=Path), default=MAPPING, metavar="[MAPPING]"
)
var_option = click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="Override one of the mapping's vars."
)
embedded_option = click.option(
    "--embedded", is_flag=True, help="Use the databases of `engine demo` in place of the environment's."
)
folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help="Where the databases of `engine demo` live.",
)
select_option = click.option(
    "--select",
    multiple=True,
    metavar="NAME",
    help="Run this dimension or fact alone; may be given several times, * stands for anything.",
)
refresh_option = click.option(
    "--full-refresh",
    is_flag=True,
    help="Read everything, not only what is new; keys and history stay.",
)


def overrides(variables: tuple[str, ...]) -> dict[str, str]:
    """Turn NAME=VALUE words into a map; SettingsError for anything else."""
    pairs = [word.partition("=") for word in variables]
    for name, sign, _ in pairs:
        if not name or not sign:
            raise SettingsError(f"--var takes NAME=VALUE, not '{name}{sign}'")
    return {name: value for name, _, value in pairs}


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Examples:  engine demo  |  engine validate mappings/star.yml  |  engine run mappings/star.yml",
)
@click.version_option(__version__, prog_name="engine")
@click.option(
    "--log-format",
    type=click.Choice(["json", "text"]),
    help="Form of the log on stderr.  [LOG_FORMAT; default: text on a terminal, else json]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    help="What is logged.  [LOG_LEVEL; default: info]",
)
@click.pass_context
def engine(context: click.Context, log_format: str | None, log_level: str | None) -> None:
    """Load a star schema that is described in YAML, from PostgreSQL into PostgreSQL."""
    context.obj = {"log_format": log_format, "log_level": log_level}


@engine.command(epilog="Example:  engine validate mappings/star.yml mappings/other.yml --connect")
@click.argument("mappings", type=click.Path(path_type=Path), nargs=-1, metavar="[MAPPING]...")
@click.option("--connect", is_flag=True, help="Ask the databases too: queries, types, permissions.")
@var_option
@embedded_option
@folder_option
def validate(
    mappings: tuple[Path, ...],
    connect: bool,
    variables: tuple[str, ...],
    embedded: bool,
    folder: Path,
) -> None:
    """Say everything that is wrong with a mapping, as file:line:column: message."""
    from engine.commands.validate import validate as work

    work(
        mappings or (MAPPING,),
        overrides(variables),
        connect=connect or embedded,
        folder=folder if embedded else None,
    )


@engine.command(epilog="Example:  engine plan mappings/star.yml --sql")
@mapping_argument
@click.option("--sql", is_flag=True, help="Show the exact SQL of every step.")
@select_option
@refresh_option
@var_option
@embedded_option
@folder_option
def plan(
    mapping: Path,
    sql: bool,
    select: tuple[str, ...],
    full_refresh: bool,
    variables: tuple[str, ...],
    embedded: bool,
    folder: Path,
) -> None:
    """Show what a run would do, and do nothing: schema changes, steps, SQL."""
    from engine.commands.plan import plan as work

    work(
        mapping,
        overrides(variables),
        select,
        full_refresh=full_refresh,
        sql=sql,
        folder=folder if embedded else None,
    )


@engine.command(epilog="Example:  engine run mappings/star.yml --select 'dim_*' --var currency=USD")
@mapping_argument
@select_option
@refresh_option
@var_option
@click.option("--report", type=click.Choice(["text", "json"]), default="text", show_default=True)
@embedded_option
@folder_option
@click.pass_obj
def run(
    logging_options: dict[str, str | None],
    mapping: Path,
    select: tuple[str, ...],
    full_refresh: bool,
    variables: tuple[str, ...],
    report: str,
    embedded: bool,
    folder: Path,
) -> None:
    """Load the star: extract, transform, check, publish in one transaction."""
    from engine.commands.run import run as work

    work(
        mapping,
        overrides(variables),
        select,
        logging_options,
        full_refresh=full_refresh,
        report=report,
        folder=folder if embedded else None,
    )


@engine.command(epilog="Example:  engine ddl mappings/star.yml > init/warehouse/01-schema.sql")
@mapping_argument
@var_option
@embedded_option
@folder_option
def ddl(mapping: Path, variables: tuple[str, ...], embedded: bool, folder: Path) -> None:
    """Print the CREATE statements of the star."""
    from engine.commands.plan import ddl as work

    work(mapping, overrides(variables), folder=folder if embedded else None)


@engine.command(epilog="Example:  engine history --mapping star --limit 5")
@click.option("--mapping", metavar="NAME", help="Only runs of the mapping of this name.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--report", type=click.Choice(["text", "json"]), default="text", show_default=True)
@embedded_option
@folder_option
def history(mapping: str | None, limit: int, report: str, embedded: bool, folder: Path) -> None:
    """List past runs, newest first, from the warehouse."""
    from engine.commands.history import history as work

    work(mapping, limit, report, folder=folder if embedded else None)


@engine.command(epilog="Example:  engine demo && engine demo --stop")
@mapping_argument
@folder_option
@click.option("--stop", is_flag=True, help="Stop the two servers; the data stays.")
@click.pass_obj
def demo(
    logging_options: dict[str, str | None], mapping: Path, folder: Path, stop: bool
) -> None:
    """Start two PostgreSQL servers of its own, seed the source from init/, and run the mapping."""
    from engine.commands import demo as commands

    if stop:
        commands.stop(folder)
    else:
        commands.demo(mapping, folder, logging_options)


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

    click.echo(redact(message), err=True)
    return code


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; never a traceback, but for a bug of the engine."""
    signal.signal(signal.SIGTERM, _end)
    try:
        engine.main(arguments, prog_name="engine", standalone_mode=False)
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except click.ClickException as error:
        error.show()
        return 2
    except EngineError as error:
        return _fail(f"error: {error}" if "\n" not in str(error) else str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted: nothing was published", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001  (the one place that says it is a bug)
        return _fail(f"{traceback.format_exc()}\nthis is a bug of the engine: please report it", BUG)
    return 0


