"""Keeps what was computed once where Python keeps its compiled modules, as Python does."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path


def path_of(source: str, tag: str) -> Path:
    """Return the path in `__pycache__` of what was made of a file; `tag` is of letters and digits."""
    return Path(cache_from_source(source, optimization=tag))


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole: others may read, or write the same one, at this moment.

    Where Python writes its modules it is written too (PYTHONDONTWRITEBYTECODE and PYTHONPYCACHEPREFIX are
    obeyed), and where that is not possible nothing is lost but the time to compute it again.
    """
    if sys.dont_write_bytecode:
        return
    own = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with own.open("xb") as file:
                file.write(content)
            own.replace(path)
        finally:
            own.unlink(missing_ok=True)
