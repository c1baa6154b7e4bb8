"""Run a program as a whole process: how long it took, and the most memory that it and its children held."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 0.02  # seconds between two looks at its memory
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Measured:
    """A run of a program that ended well. `peak` is in bytes, `began` and `ended` in seconds of the clock."""

    seconds: float
    peak: int
    output: str
    errors: str = ""
    began: float = 0.0
    ended: float = 0.0


def measured(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path | None = None
) -> Measured:
    """Run a program to its end; RuntimeError, with what it said, when it fails."""
    began, start = time.time(), time.perf_counter()
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
        said = (errors or output)[-2000:]
        raise RuntimeError(f"{command[0]} failed ({process.returncode}): {said}")
    return Measured(seconds, max(peaks, default=0), output, errors, began, began + seconds)


def _watch(pid: int, peaks: list[int], over: threading.Event) -> None:
    while not over.wait(EVERY):
        try:
            peaks.append(_peak(pid))
        except (OSError, psutil.Error):
            return


def _peak(pid: int) -> int:
    """Return the most memory that a process has held so far, or holds together with its children.

    Not getrusage: its figure for a child begins with the memory of the parent that it was forked from.
    """
    if (PROC / "self/status").exists():
        # Alone, the kernel's own record; its children come and go, and count for what they hold now.
        alone = _kilobytes(pid, "VmHWM:")
        children = sum(_kilobytes(child, "VmRSS:") for child in _children(pid))
        return max(alone, _kilobytes(pid, "VmRSS:") + children if children else 0) * 1024
    process = psutil.Process(pid)
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))


def _children(pid: int) -> Iterator[int]:
    """Go through the children of a process and theirs, by far cheaper than through all processes."""
    try:
        found = (PROC / f"{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:  # it has just ended
        return
    for child in map(int, found.split()):
        yield child
        yield from _children(child)


def _kilobytes(pid: int, what: str) -> int:
    """Return a figure of a process's memory; 0 when it has just ended."""
    try:
        lines = (PROC / f"{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(what)), 0)
