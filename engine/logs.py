"""What the engine says while it works: lines of JSON or of text, and never a secret in them."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TextIO
from urllib.parse import quote, quote_plus

from pythonjsonlogger.core import RESERVED_ATTRS, LogData
from pythonjsonlogger.json import JsonFormatter

LogFormat = Literal["json", "text"]

HIDDEN = "***"
# Shorter secrets stand in every other word; only the patterns below hide them.
SHORTEST = 4
LARGEST_FILE = 10_000_000  # bytes, before a new one begins
OLDER_FILES = 5
# The attribute of a record that a display shows already: it goes to the file alone.
FILE_ONLY = "_file_only"

# What looks like a password, known or not: a value after `password=` or `"password":` (sslpassword,
# PGPASSWORD and SOURCE_PASSWORD too; not SOURCE_PASSWORD_FILE), `PASSWORD '…'` in SQL, and
# user:password@ in URLs. That runs to the last @ of the word, since a password may hold an @ that
# nobody has encoded.
# Lengths are bounded so that a long text without any end costs no more than its length.
PATTERNS = (
    re.compile(
        r"""(?i)((?:password|passwd|pwd)["']?(?:\s*[=:]\s*|\s+))"""
        r"""('(?:[^'\\]|\\.|''){0,999}'|"(?:[^"\\]|\\.){0,999}")"""
    ),
    re.compile(r"""(?i)((?:password|passwd|pwd)\s*=\s*)([^\s'",;&)]+)"""),
    re.compile(r"""(://[^\s:/@'"]*:)([^\s'"<>]{0,999})(?=@)"""),
)

_bound: ContextVar[Mapping[str, object]] = ContextVar("bound", default=MappingProxyType({}))


class Redactor:
    """Replaces secrets in text: registered ones, in every form they travel in, and look-alikes."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self._guard = threading.Lock()

    def register(self, secret: str) -> None:
        """Hide this secret from now on; one under 4 characters only where it looks like one."""
        if len(secret) < SHORTEST:
            return
        with self._guard:
            self._forms |= _forms_of(secret)
            self._known = None

    def redact(self, text: str) -> str:
        """Return the text with `***` in place of every secret."""
        # What is known first: a pattern could take a part of it, and leave the rest to be read.
        text = (self._known or self._compiled()).sub(HIDDEN, text)
        for pattern in PATTERNS:
            text = pattern.sub(rf"\1{HIDDEN}", text)
        return text

    def _compiled(self) -> re.Pattern[str]:
        """Return one pattern for all forms: the next call's too, unless a secret comes between."""
        with self._guard:
            # The longest first: of two secrets that begin alike, no rest of the longer may show.
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            # Without secrets, what never matches.
            self._known = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
            return self._known


def _forms_of(secret: str) -> set[str]:
    """Return the secret as it is written in a URL, a DSN, a literal of Python, JSON or SQL."""
    # SQLAlchemy leaves space and + as they are in a URL; hexadecimal digits come in both cases.
    encoded = {quote(secret, safe=safe) for safe in ("", "/", " +")} | {quote_plus(secret)}
    lower = {re.sub("%..", lambda escape: escape[0].lower(), form) for form in encoded}
    escaped = secret.replace("\\", "\\\\")
    return {
        secret,
        *encoded,
        *lower,
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        secret.replace("'", "''"),
        escaped,
        escaped.replace("'", "\\'"),
    }


REDACTOR = Redactor()


def register(secret: str) -> None:
    """Hide this secret in everything that goes through `redact`, which is every line of the log."""
    REDACTOR.register(secret)


def redact(text: str) -> str:
    """Return the text with `***` in place of secrets: for what is shown or stored and is no log."""
    return REDACTOR.redact(text)


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Put these fields (run_id, mapping, step) on every line that is logged inside the block.

    A thread that is started inside does not inherit them, unless it is started by
    `contextvars.copy_context().run`.
    """
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def configure(
    form: LogFormat, level: int | str, stream: TextIO | None = None, file: Path | None = None
) -> None:
    """Send the log to `stream`, or else to standard error; calling it again replaces the former.

    With `file` the same lines go there too, always as JSON; its folder is made, and when it cannot be written
    its OSError is raised. The level is the engine's own; libraries are heard from WARNING on.
    """
    shown = _Handler(stream)
    shown.setFormatter(_Json() if form == "json" else _Text())
    shown.addFilter(lambda record: not getattr(record, FILE_ONLY, False))
    handlers: list[_Handler | _File] = [shown]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            _File(file, maxBytes=LARGEST_FILE, backupCount=OLDER_FILES, encoding="utf-8")
        )
        handlers[-1].setFormatter(_Json())
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _Handler | _File)]:
        root.removeHandler(earlier)
        if isinstance(earlier, _File):
            earlier.close()
    for handler in handlers:
        handler.addFilter(_add_bound)
        root.addHandler(handler)
    logging.getLogger("engine").setLevel(level)


def _add_bound(record: logging.LogRecord) -> bool:
    for name, value in _bound.get().items():
        if not hasattr(record, name):
            setattr(record, name, value)
    # A message whose arguments do not fit it is a bug of that line, and no reason to lose it.
    try:
        record.getMessage()
    except Exception as error:  # noqa: BLE001  (any argument may raise anything)
        record.msg = f"{record.msg} (its arguments raised {type(error).__name__})"
        record.args = None
    return True


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; a line that cannot be written is lost in silence.

    The handler of the standard library would print the record to standard error, secrets included. Without
    a stream it is standard error as it is at the moment: a display on the terminal takes its place, and
    lets each line scroll above what it shows.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._given = stream
        super().__init__(stream)

    @property
    def stream(self) -> TextIO:
        """Where lines go."""
        return self._given or sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """Leave it as it was given: the library's own constructor sets it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the library's name)
        """Leave the run alone."""


class _File(RotatingFileHandler):
    """Writes lines into a file, and begins a new one when it is large.

    Two runs may share it: a file that the other has renamed is opened anew, so that no line goes into an old
    one and none is renamed twice.
    """

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802  (the library's name)
        """Say whether the file is full, the one that has the name now."""
        named = Path(self.baseFilename)
        if self.stream and not (
            named.exists() and os.path.samestat(os.fstat(self.stream.fileno()), named.stat())
        ):
            self.stream.close()
            self.stream = self._open()
        return bool(super().shouldRollover(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the library's name)
        """Leave the run alone."""


class _Json(JsonFormatter):
    """timestamp, level, logger, message, then the fields of the line, and exc_info."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: LogData) -> LogData:
        return {name: _cleaned(value) for name, value in log_data.items()}

    def add_fields(
        self, log_data: LogData, record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        log_data["timestamp"] = f"{moment}.{int(record.msecs):03d}Z"
        super().add_fields(log_data, record, message_dict)
        log_data["level"] = record.levelname.lower()


class _Text(logging.Formatter):
    """12:30:59 warning: message (step=…, rows=…), in local time, for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = ", ".join(
            f"{name}={_cleaned(value)}" for name, value in sorted(_extras(record).items())
        )
        line = f"{clock} {record.levelname.lower()}: {record.getMessage()}"
        line = f"{line} ({fields})" if fields else line
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return redact(line)


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {
        name: value
        for name, value in record.__dict__.items()
        if name not in RESERVED_ATTRS and not name.startswith("_")
    }


def _cleaned(value: object) -> object:
    """Return the value as JSON can hold it, every text in it redacted."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): _cleaned(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(each) for each in value]
    try:
        return redact(str(value))
    except Exception as error:  # noqa: BLE001  (any object may be logged; its str may raise anything)
        return f"a {type(value).__name__} whose text raised {type(error).__name__}"
