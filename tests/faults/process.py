"""The engine as a process of its own, which a test may signal at any moment.

A Python that has imported the engine waits for orders, and forks for each run: so a run begins at once,
and a hundred of them can be ended in the time that thirty would take. What is forked is a process like
any other; that `python -m engine` ends in the same way, test_interrupt.py shows.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.faults.shop import ROOT, SHOP, wait_until


class Nursery:
    """Starts engines quickly; leaving the context ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, order: Mapping[str, object]) -> Any:
        """Give an order and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input is its end


class Engine:
    """`engine run …` under way; leaving the context kills it if it still runs."""

    def __init__(
        self,
        nursery: Nursery,
        environment: Mapping[str, str],
        *arguments: str,
        mapping: Path = SHOP,
    ) -> None:
        self._nursery = nursery
        self._folder = tempfile.TemporaryDirectory()
        self._written = [Path(self._folder.name, name) for name in ("stdout", "stderr")]
        for file in self._written:
            file.touch()
        self._code: int | None = None
        self.pid: int = nursery.ask(
            {
                "arguments": ["run", str(mapping), *arguments],
                "environment": dict(environment),
                "written": [str(file) for file in self._written],
            }
        )

    @property
    def running(self) -> bool:
        if self._code is None:
            self._code = self._nursery.ask({"ended": self.pid})
        return self._code is None

    @property
    def output(self) -> str:
        """What it has written to stdout."""
        return self._written[0].read_text()

    @property
    def errors(self) -> str:
        """What it has written to stderr."""
        return self._written[1].read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal. It is not yet waited for, so its number cannot be another's by now."""
        if self._code is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = 60) -> int:
        """Wait for its end and return the exit code: of a signal, its number below zero."""
        wait_until(lambda: not self.running, "the engine has ended", seconds)
        assert self._code is not None
        return self._code

    def interrupt(self, number: signal.Signals) -> float:
        """Send a signal, wait for the end, and return how many seconds that took."""
        start = time.monotonic()
        self.signal(number)
        self.wait()
        return time.monotonic() - start

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running:
            self.signal(signal.SIGKILL)
            self.wait()
        self._folder.cleanup()
