"""Fork an engine for each order that comes as a line of JSON, and tell how those ended."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

# Everything that a run needs, so that it is there when one is forked.
import engine.commands.run
import engine.display
import engine.run  # noqa: F401
from engine.cli import main

# What a test may send. Python drops the interrupt of a signal that comes while it tidies up after a fork, and
# with it a lock that its log needs: so it waits until the engine begins.
SENT = {signal.SIGINT, signal.SIGTERM}


def answer(order: dict[str, Any]) -> int | None:
    """Start an engine and return its process id, or return how one ended, None when it runs."""
    if "ended" in order:
        pid, status = os.waitpid(order["ended"], os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None
    signal.pthread_sigmask(signal.SIG_BLOCK, SENT)
    pid = os.fork()
    if pid == 0:
        become(order)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SENT)
    return pid


def become(order: dict[str, Any]) -> None:
    """Be the engine of an order, and end with its exit code: without tidying up, which takes long."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    opened = [os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for file in order["written"]]
    for number, file in enumerate((nothing, *opened)):
        os.dup2(file, number)
        os.close(file)
    os.environ.update(order["environment"])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SENT)
    code = main(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
