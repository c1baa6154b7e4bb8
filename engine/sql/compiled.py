"""Keeps the templates compiled in `__pycache__` beside them, as Python keeps its modules."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache


class Compiled(BytecodeCache):
    """Reads and writes what Jinja compiled: 0.1 s of each run, which compiles half of the templates else.

    Where Python writes its modules it is written too (PYTHONDONTWRITEBYTECODE and PYTHONPYCACHEPREFIX are
    obeyed), and where that is not possible nothing is lost but the time. A file is valid for the text that
    it was made of, the version of Python and that of Jinja. The values of no Python code are in it: no
    template prints a constant, which Jinja would compute with our filters when it compiles.
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the path of a template's file; a key is no more than that."""
        version = "".join(character for character in jinja2.__version__ if character.isalnum())
        return cache_from_source(filename or name, optimization=f"jinja{version}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket, or leave it empty: what is not there, or cut off, is compiled again."""
        with (
            suppress(OSError, EOFError, pickle.UnpicklingError),
            Path(bucket.key).open("rb") as file,
        ):
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a file as a whole: others may read, or write the same one, at this moment."""
        if sys.dont_write_bytecode:
            return
        path = Path(bucket.key)
        own = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with own.open("xb") as file:
                    bucket.write_bytecode(file)
                own.replace(path)
            finally:
                own.unlink(missing_ok=True)
