"""Run the command line and choose the exit code: the one place that catches errors."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import traceback

import click

from engine.cli.group import engine
from engine.commands import output
from engine.errors import ArgumentError, EngineError, OutputError

BUG = 70
INTERRUPTED = 130


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
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return 2
    if isinstance(error, click.ClickException):
        return _fail(f"{_usage(error)}error: {_plain(error.format_message())}{_before(error)}", 2)
    if isinstance(error, EngineError):
        output.drop_what_fails()
        return _fail(_told(error), error.exit_code)
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


def _told(error: EngineError) -> str:
    """Return an error as it is printed: what says not itself where it is begins with `error: `."""
    text = str(error)
    placed = ":" in text or "\n" in text
    return f"error: {text}" if isinstance(error, ArgumentError) or not placed else text


def _usage(error: click.ClickException) -> str:
    """Return what the command takes, and how to ask for more, where it was called wrongly."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return ""
    return f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n\n"


def _before(error: click.ClickException) -> str:
    """Say where an option of all commands stands, to whom gives it after the command."""
    known = {name for option in engine.params for name in option.opts}
    if not isinstance(error, click.NoSuchOption) or error.option_name not in known:
        return ""
    return f" (it stands before the command: engine {error.option_name} …)"


def _plain(message: str) -> str:
    """Return a sentence of click's as messages are here: with a small letter, and no full stop."""
    return message[:1].lower() + message[1:].removesuffix(".")
