"""Run a program as a whole process: how long it took, and the most memory that it ever held."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 0.02  # seconds between two looks at its memory


@dataclass(frozen=True, slots=True)
class Measured:
    """A run of a program that ended well. `peak` is in bytes and leaves out its children."""

    seconds: float
    peak: int
    output: str


def measured(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path | None = None
) -> Measured:
    """Run a program to its end; RuntimeError, with what it said, when it fails."""
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        peaks: list[int] = []
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, peaks, over), daemon=True)
        watcher.start()
        output, errors = process.communicate()
        seconds = time.perf_counter() - start
        over.set()
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed ({process.returncode}): {errors[-2000:]}")
    return Measured(seconds, max(peaks, default=0), output)


def _watch(pid: int, peaks: list[int], over: threading.Event) -> None:
    while not over.wait(EVERY):
        try:
            peaks.append(_peak(pid))
        except (OSError, psutil.Error):
            return


def _peak(pid: int) -> int:
    """Return the most memory that a process has held so far, or holds, where only that can be asked.

    Not getrusage: its figure for a child begins with the memory of the parent that it was forked from.
    """
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0  # it has just ended
    return int(psutil.Process(pid).memory_info().rss)
