"""A way through which the engine reaches a server, and which can be cut in the middle of anything."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Self

CHUNK = 16_384  # bytes
NO_FAREWELL = struct.pack("ii", 1, 0)  # closed so, a connection ends by a reset
Direction = Literal["up", "down"]  # to the server, from the server
Cut = Literal["close", "reset", "half up", "half down", "stall", "delay"]
DELAY = 1.5  # seconds


@dataclass(eq=False)
class Line:
    """One connection through the proxy: both ends, and how many bytes have gone each way."""

    client: socket.socket
    server: socket.socket
    carried: dict[Direction, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    dead: set[Direction] = field(default_factory=set)

    def cut(self, how: Cut) -> None:
        """End it, for both sides at once, or one direction alone: what still comes there is dropped.

        Or let it stall: nobody is told, and nothing comes any more.
        """
        if how == "stall":
            self.dead |= {"up", "down"}
        elif how in {"close", "reset"}:
            self.dead |= {"up", "down"}
            self.end(reset=how == "reset")
        else:
            self.dead.add("up" if how == "half up" else "down")
            end(self.server if how == "half up" else self.client, socket.SHUT_WR)

    def end(self, *, reset: bool = False) -> None:
        """Close both ends, and wake whoever reads from them."""
        for side in (self.client, self.server):
            with contextlib.suppress(OSError):
                if reset:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_FAREWELL)
            end(side, socket.SHUT_RD if reset else socket.SHUT_RDWR)
            side.close()


def end(side: socket.socket, how: int) -> None:
    """Shut a socket down, which may have ended already."""
    with contextlib.suppress(OSError):
        side.shutdown(how)


Rule = Callable[[Line, Direction, bytes], Cut | None]


def never(_line: Line, _direction: Direction, _data: bytes) -> None:
    """Cut nothing."""


class Proxy:
    """Listens, carries every connection to a server, and cuts the first one that the rule tells to."""

    def __init__(self, host: str, port: int, rule: Rule = never, *, listen: int = 0) -> None:
        self._to = (host, port)
        self._rule = rule
        self._guard = threading.Lock()
        self._lines: list[Line] = []
        self.cuts = 0
        self._listener = socket.create_server((host, listen))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:  # closed
                return
            try:
                line = Line(client, socket.create_connection(self._to))
            except OSError:  # the server does not run
                client.close()
                continue
            self._lines.append(line)
            for direction in ("up", "down"):
                thread = threading.Thread(target=self._carry, args=(line, direction))
                self._threads.append(thread)
                thread.start()

    def _carry(self, line: Line, direction: Direction) -> None:
        up = direction == "up"
        here, there = (line.client, line.server) if up else (line.server, line.client)
        with contextlib.suppress(OSError):  # the other thread has ended the line
            while data := here.recv(CHUNK):
                if self._cut(line, direction, data) or direction in line.dead:
                    continue
                there.sendall(data)
                line.carried[direction] += len(data)
        end(there, socket.SHUT_WR)

    def _cut(self, line: Line, direction: Direction, data: bytes) -> bool:
        """Ask the rule, once it has cut no more, and do what it says."""
        with self._guard:
            how = None if self.cuts else self._rule(line, direction, data)
            if how is None:
                return False
            self.cuts += 1
        if how == "delay":
            time.sleep(DELAY)
            return False
        line.cut(how)
        return True

    def close(self) -> None:
        """End everything; returns when no thread is left."""
        end(self._listener, socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for line in self._lines:
            line.end()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
