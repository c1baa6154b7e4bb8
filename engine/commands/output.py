"""Standard output that is closed, full or read by nobody any more: no bug, and said once."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path


def open_what_is_closed() -> None:
    """Put the null device where a caller has closed stdout or stderr, before a socket gets their number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            null = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (open to the end)
            setattr(sys, name, null)


def is_full(error: OSError) -> bool:
    """Return whether an error is of standard output, which has no file name, and not of a file."""
    return error.errno in (errno.ENOSPC, errno.EIO) and not error.filename


def drop() -> None:
    """Let what is left to print go nowhere, so that Python's own end does not fail on it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def drop_what_fails() -> None:
    """Print what is left, or let it go nowhere when that fails."""
    try:
        sys.stdout.flush()
    except OSError:
        drop()
