"""A real Redis for a test, with a password, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

PASSWORD = "no-one-may-see-this-9271"


class RedisServer:
    """A redis-server that a test may stop, start again, fill and slow down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables from which the engine takes it."""
        return {"REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"}

    @property
    def client(self) -> redis.Redis:
        """A client of the test's own."""
        return redis.Redis(port=self.port, password=PASSWORD, decode_responses=True)

    def start(self, *options: str) -> None:
        """Start it, and wait until it answers."""
        config = self.folder / "redis.conf"
        config.write_text(f"requirepass {PASSWORD}\nbind 127.0.0.1\nsave ''\ndir {self.folder}\n")
        words = ("redis-server", str(config), "--port", str(self.port), *options)
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with self.client as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """Give a running server; a laptop may lack the program, the CI must have it."""
    if not shutil.which("redis-server") and not os.environ.get("CI"):
        pytest.skip("there is no redis-server: apt install redis-server, or brew install redis")
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
