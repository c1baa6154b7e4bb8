"""How a document deviates from its schema; what was found to follow it once is not proved again."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from engine import __version__, pycache
from engine.mapping.document import LANGUAGE, Deviation, Document

MOST = 100  # documents that are remembered, the last ones
TAG = "sound"


def deviations(
    document: Document, *, part: bool = False, package: str = LANGUAGE
) -> list[Deviation]:
    """Return every deviation from the schema; `part` is an included file, which needs no name.

    To import jsonschema and to go through a schema takes 0.1 s. So the hashes of documents that follow it,
    with the schema that they follow, are kept in `__pycache__`.
    """
    digest = _digest(document, part=part, package=package)
    known = _known(package)
    if digest in known:
        return []
    from engine.mapping.shape import departures

    found = departures(document, part=part, package=package)
    if not found:
        kept = "\n".join((*known, digest)[-MOST:])
        pycache.write(_memory(package), kept.encode())
    return found


def _digest(document: Document, *, part: bool, package: str) -> str:
    schema = files(package).joinpath("schema.json").read_bytes()
    said = repr((__version__, part, document.data)).encode()
    return hashlib.sha256(schema + b"\n" + said).hexdigest()


def _known(package: str) -> tuple[str, ...]:
    with suppress(OSError, UnicodeDecodeError):
        return tuple(_memory(package).read_text("ascii").split())
    return ()


def _memory(package: str) -> Path:
    return pycache.path_of(str(files(package).joinpath("schema.json")), TAG)
