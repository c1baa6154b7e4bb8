"""Servers whose clocks differ: the source believes that it is another time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.database.embedded import Embedded
from engine.database.embedded.account import account
from engine.database.embedded.postmaster import Postmaster

FOUND = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def shift(embedded: Embedded, seconds: float) -> None:
    """Start the source anew, its clock so many seconds ahead of ours."""
    source = embedded.source
    Postmaster((source.folder / "data").resolve(), account()).stop()
    with _environment(
        LD_PRELOAD=str(FOUND[0]), FAKETIME=f"{seconds:+f}s", FAKETIME_DONT_FAKE_MONOTONIC="1"
    ):
        embedded.start()


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
