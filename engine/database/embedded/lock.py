"""Locks on a folder that the kernel drops with their process, so that none can be left behind."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import finalize

from engine.errors import SettingsError

PAUSE = 0.05  # seconds between two attempts


@contextmanager
def exclusive(file: Path, wait: float) -> Iterator[None]:
    """Hold the lock on `file`; after `wait` seconds a SettingsError names its holder."""
    with file.open("a+", encoding="ascii") as stream:
        deadline = time.monotonic() + wait
        while not _locked(stream.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise SettingsError(
                    f"{file.parent}: in use by {_holder(file)}, which starts or stops the embedded "
                    "databases; wait for it to end, or use another folder"
                )
            time.sleep(PAUSE)
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)


class Share:
    """A claim on a folder that several processes can hold at a time, each until it ends."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        # Also when nobody calls it: who leaves the servers running just forgets about them.
        self.release = finalize(self, os.close, self._descriptor)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def alone(self) -> bool:
        """Return whether nobody else holds a claim."""
        return _locked(self._descriptor, fcntl.LOCK_EX)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: Path) -> str:
    pid = file.read_text(encoding="ascii").strip()
    return f"the process {pid}" if pid else "another process"
